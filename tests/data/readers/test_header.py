import pytest

from unrolled.data.readers.header import has_header


@pytest.mark.parametrize(
    ("lines", "doubt", "expected"),
    [
        (["a,b", "1,2", "3,4"], True, True),
        (["1,2", "3,4"], True, False),
        (["1,Geh.", "2,Lauf."], True, False),
        (["1,2", "Go.,Geh.", "Hi.,Hallo!"], False, True),
        (["label,0,1,2,3", "a,1,2,3,4"], True, True),
        (["0,1,2,3", "5.5,2,3,4"], True, True),
        (["9,( [MAX 2 ) ]", "5,( 3 )", "7,( 1 )"], False, False),
        (["en,de", "Go.,Geh."], False, True),
        (["en-US,pt_BR", "Go.,Vai."], False, True),
        (["si,ja", "no,nein", "forse,vielleicht"], False, False),
        (["he,el", "he sees a fox,ve un zorro", "he has two,tiene dos"], False, True),
        (["Ukrainian,english", "так,yes", "ні,no"], False, True),
        (["src,trg", "a,b", "c,d"], False, True),
        (["the fox sees,lo vulo vidit", "a king loves,un reko amat"], True, False),
        (["english sentence,french sentence", "a king loves,un roi aime"], True, True),
        (["ours,theirs", "a king loves,un roi aime"], True, True),
        (["Go.,Geh.", "Hi.,Hallo!"], False, False),
        (["good,I liked it", "bad,I left", "good,fine film", "bad,no"], False, False),
        (["sentiment,review", "good,I liked it", "bad,I left", "good,fine film", "bad,no no"], False, True),
        (["colour,shape,weight", "red,round,heavy"], False, True),
        (["red,round,heavy", "red,square,light"], True, False),
        (["price", "1.5", "2.5"], False, True),
    ],
)
def test_the_first_line(lines: list[str], doubt: bool, expected: bool) -> None:
    assert has_header([line.split(",") for line in lines], doubt) == expected
