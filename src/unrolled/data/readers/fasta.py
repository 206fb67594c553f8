"""Sequences of letters: FASTA and FASTQ, plain or compressed with gzip."""

import re
from pathlib import Path

import numpy as np

from unrolled.data.readers.fasta_entries import Entry, read_entries
from unrolled.data.readers.label_table import Row, is_table, read_label_table
from unrolled.data.readers.names import compiled
from unrolled.data.records import Field, Notes, Reading, Record, Source
from unrolled.errors import UserError

_NUCLEOTIDES = set("ACGTUN")
_NUCLEOTIDE_CODES = set("ACGTURYSWKMBDHVN-.")  # IUPAC-IUB 1984
_PROTEIN_CODES = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ*-.")  # IUPAC-IUB, with B, J, Z, X, U and O
_KEY_VALUE = re.compile(r"(?:^|[\s|;\[])(\w+)=(\"[^\"]*\"|[^\s|;\]]+)")


class FastaSource(Source):
    """The sequences of FASTA files, as read into memory. `how` says where the labels are from."""

    def __init__(
        self,
        entries: list[Entry],
        name: str,
        labels: list[str] | None,
        groups: list[str] | None,
        how: str,
        rule: str | None = None,
    ) -> None:
        self._entries, self._name, self._labels, self._groups = entries, name, labels, groups
        self.how = how
        self.rule = rule
        """the value of `Reading.labels` that reads other files in the same way, where the labels are a guess"""
        self.fields = (Field("sequence", "text", timed=True),)
        if entries[0].quality is not None:
            self.fields += (Field("quality", "numeric", timed=True, channels=("quality",)),)
        if labels is not None:
            self.fields += (Field(name, "categorical", timed=False),)

    def __len__(self) -> int:
        return len(self._entries)

    def record(self, index: int) -> Record:
        entry = self._entries[index]
        values: dict[str, object] = {"sequence": entry.sequence}
        if entry.quality is not None:
            codes = np.frombuffer(entry.quality.encode("ascii"), dtype=np.uint8)
            values["quality"] = (codes.astype(np.float32) - 33)[:, None]
        if self._labels is not None:
            values[self._name] = self._labels[index]
        return Record(values, f"{entry.path}, line {entry.line}")

    def labels(self, name: str) -> list[str] | None:
        return self._labels if name == self._name else None

    def groups(self, name: str) -> list[str] | None:
        return self._groups


def read_fasta(paths: list[Path], reading: Reading, notes: Notes) -> FastaSource:
    """The sequences of FASTA or FASTQ files: `sequence` (text, upper case), `label` if there are labels, and for FASTQ
    `quality` (numeric, timed): Phred scores, the character code less 33 (Cock et al. 2010, the Sanger variant).

    The label is, in this order:

    * from the table `reading.labels` with columns `id` and `label`; sequences it does not list are left out, counted;
    * group `label` (or `reading.target`) of the pattern `reading.labels`, searched for in the header line;
    * the value of `reading.target`, or of `label` or `class`, where the headers have `key=value`;
    * the last field of `>id|label`, or the second word of `>id label`, if all headers have it and it has few different
      values (2 to a fifth of the number of sequences);
    * the name of the file, if there are several.

    Spaces within a sequence are dropped. Characters that are no codes of nucleotides (in a file of mostly A, C, G, T, U
    and N) or of amino acids are kept and counted. Raises `UserError` with file and line for text before the first `>`,
    a record without sequence, a FASTQ record that is cut short, and a file that is not text.
    """
    entries = [entry for path in paths for entry in read_entries(path)]
    if len({entry.quality is None for entry in entries}) > 1:
        raise UserError(f"{paths[0]} and the files beside it mix FASTA and FASTQ; read them separately")
    _count_strange(entries, notes)
    return _label(entries, paths, reading, notes)


def _count_strange(entries: list[Entry], notes: Notes) -> None:
    counts: dict[str, int] = {}
    for entry in entries:
        for character in set(entry.sequence):
            counts[character] = counts.get(character, 0) + entry.sequence.count(character)
    nucleotides = sum(counts.get(character, 0) for character in _NUCLEOTIDES) >= 0.9 * sum(counts.values())
    codes, what = (_NUCLEOTIDE_CODES, "nucleotides") if nucleotides else (_PROTEIN_CODES, "amino acids")
    strange = sorted(set(counts) - codes)
    shown = " ".join(strange[:8])
    notes.add(f"characters that are no codes of {what} ({shown}), kept", sum(counts[c] for c in strange))


def _label(entries: list[Entry], paths: list[Path], reading: Reading, notes: Notes) -> FastaSource:
    name = reading.target or "label"
    if reading.unlabelled:
        return FastaSource(entries, name, None, None, "no labels wanted")
    if reading.group is not None and reading.labels is None:
        raise UserError(f"--group {reading.group} needs --data.labels with a table or a pattern that has it")
    if is_table(reading.labels):
        return _from_table(entries, Path(str(reading.labels)), reading, notes)
    if reading.labels is not None:
        return _from_pattern(entries, name, reading, notes)
    keyed = [dict(_KEY_VALUE.findall(entry.header)) for entry in entries]
    for key in (reading.target,) if reading.target else ("label", "class"):
        if key in keyed[0]:
            missing = [entry for entry, pairs in zip(entries, keyed, strict=True) if key not in pairs]
            if missing:
                raise UserError(f"{missing[0].path}, line {missing[0].line}: the header has no {key}=, others have one")
            labels = [pairs[key].strip('"') for pairs in keyed]
            rule = None if key == name else rf'(?:^|[\s|;\[]){key}="?(?P<label>(?<=")[^"]*|[^\s|;\]"]+)'
            return FastaSource(entries, name, labels, None, f"{key}= of headers", rule)
    if reading.target not in (None, "label"):
        known = ", ".join(keyed[0]) or "no key=value at all"
        raise UserError(
            f"{entries[0].path}, line {entries[0].line}: the header has no {reading.target}=; it has {known}"
        )
    for how, rule, parts in (
        (
            "last field of >id|label",
            r"^.*\|\s*(?P<label>[^|]*[^|\s])\s*$",
            [entry.header.split("|")[1:][-1:] for entry in entries],
        ),
        (
            "second word of >id label",
            r"^\s*\S+\s+(?P<label>\S+)",
            [entry.header.split()[1:2] for entry in entries],
        ),
    ):
        values = [part[0].strip() for part in parts if part]
        different = len(set(values))
        if len(values) == len(entries) and different < len(entries) and 2 <= different <= max(2, len(entries) // 5):
            return FastaSource(entries, name, values, None, f"{how} ({different} different), a guess", rule)
    if len(paths) > 1:
        stems = [entry.path.name.partition(".")[0] for entry in entries]
        return FastaSource(entries, name, stems, None, "name of the file")
    return FastaSource(entries, name, None, None, "no labels in the headers; give --data.labels with a table id,label")


def _from_table(entries: list[Entry], table: Path, reading: Reading, notes: Notes) -> FastaSource:
    name, rows = read_label_table(table, reading, notes)
    by_id: dict[str, Row] = {row.key: row for row in rows}
    kept = [entry for entry in entries if entry.id in by_id]
    if not kept:
        raise UserError(f"{table} lists none of the sequences, for example not {entries[0].id!r}; its keys must be ids")
    notes.add(f"sequences that {table.name} does not list, left out", len(entries) - len(kept))
    notes.add(f"rows of {table.name} without a sequence", len(by_id.keys() - {entry.id for entry in kept}))
    kept_rows = [by_id[entry.id] for entry in kept]
    groups = [row.group or "" for row in kept_rows] if kept_rows[0].group is not None else None
    return FastaSource(kept, name, [row.label for row in kept_rows], groups, f"column {name} of {table}")


def _from_pattern(entries: list[Entry], name: str, reading: Reading, notes: Notes) -> FastaSource:
    pattern, label, group = compiled(str(reading.labels), reading)
    matches = [(entry, match) for entry in entries if (match := pattern.search(entry.header)) and match[label]]
    if not matches:
        raise UserError(f"no header matches the pattern {reading.labels!r}, for example {entries[0].header[:60]!r}")
    notes.add("sequences whose headers do not match the pattern, left out", len(entries) - len(matches))
    groups = [match[group] or "" for _, match in matches] if group else None
    labels = [match[label] for _, match in matches]
    return FastaSource([entry for entry, _ in matches], name, labels, groups, f"the pattern {reading.labels}")
