"""What files of each kind are called: the one place that says so, for the readers and for telling files apart."""

AUDIO = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au")
VIDEO = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".gif")
EDF = (".edf", ".bdf")
WFDB = (".hea", ".dat")
ARRAYS = (".npy", ".npz")
TABLES = (".csv", ".tsv", ".tab", ".parquet", ".pq", ".jsonl", ".ndjson", ".json")
FASTA = (".fa", ".fasta", ".fna", ".faa", ".fq", ".fastq")
CONLL = (".conll", ".conllu", ".bio", ".iob", ".iob2")
TS = (".ts",)
ARFF = (".arff",)
TSF = (".tsf",)
COMPRESSED = (".gz",)
