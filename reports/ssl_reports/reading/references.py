"""The references of a paper made with this tool: papers, models, data and the tool itself."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from ssl_reports.tables.latex import escape_latex


@dataclass(frozen=True)
class Reference:
    """One entry.

    Attributes:
        author: names in BibTeX's form; empty if unknown.
        title: of the work.
        year: of the first version.
        cited: its unique name in notes.
        url: of the work.
    """

    author: str
    title: str
    year: int
    cited: str
    url: str


def _arxiv(number: str, year: int, author: str, title: str) -> Reference:
    return Reference(author, title, year, f"arXiv {number}", f"https://arxiv.org/abs/{number}")


# fmt: off
REFERENCES = {
    "baevski2020wav2vec": _arxiv("2006.11477", 2020, "Baevski, Alexei and Zhou, Henry and Mohamed, Abdelrahman and Auli, Michael",
        "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations"),
    "baevski2022data2vec": _arxiv("2202.03555", 2022, "Baevski, Alexei and Hsu, Wei-Ning and Xu, Qiantong and Babu, Arun and Gu, Jiatao and "
        "Auli, Michael", "data2vec: A General Framework for Self-supervised Learning in Speech, Vision and Language"),
    "chen2021wavlm": _arxiv("2110.13900", 2021, "Chen, Sanyuan and Wang, Chengyi and Chen, Zhengyang and Wu, Yu and Liu, Shujie and "
        "Chen, Zhuo and Li, Jinyu and Kanda, Naoyuki and Yoshioka, Takuya and Xiao, Xiong and Wu, Jian and Zhou, Long and Ren, Shuo and "
        "Qian, Yanmin and Qian, Yao and Wu, Jian and Zeng, Michael and Yu, Xiangzhan and Wei, Furu",
        "WavLM: Large-Scale Self-Supervised Pre-Training for Full Stack Speech Processing"),
    "chiu2022bestrq": _arxiv("2202.01855", 2022, "Chiu, Chung-Cheng and Qin, James and Zhang, Yu and Yu, Jiahui and Wu, Yonghui",
        "Self-supervised Learning with Random-projection Quantizer for Speech Recognition"),
    "codecarbon": Reference("", "CodeCarbon: estimate and track carbon emissions from machine learning computing", 2021,
        "CodeCarbon", "https://github.com/mlco2/codecarbon"),
    "essl": Reference("Lugo, Luis and Vielzeuf, Valentin",
        "Towards efficient self-supervised representation learning in speech processing", 2024, "Orange-OpenSource/essL",
        "https://github.com/Orange-OpenSource/essL"),
    "hsu2021hubert": _arxiv("2106.07447", 2021, "Hsu, Wei-Ning and Bolte, Benjamin and Tsai, Yao-Hung Hubert and Lakhotia, Kushal and "
        "Salakhutdinov, Ruslan and Mohamed, Abdelrahman",
        "HuBERT: Self-Supervised Speech Representation Learning by Masked Prediction of Hidden Units"),
    "lin2022melhubert": _arxiv("2211.09944", 2022, "Lin, Tzu-Quan and Lee, Hung-yi and Tang, Hao",
        "MelHuBERT: A simplified HuBERT on Mel spectrograms"),
    "lugo2024sustainable": _arxiv("2406.07696", 2024, "Lugo, Luis and Vielzeuf, Valentin",
        "Sustainable self-supervised learning for speech representations"),
    "panayotov2015librispeech": Reference("Panayotov, Vassil and Chen, Guoguo and Povey, Daniel and Khudanpur, Sanjeev",
        "LibriSpeech: an ASR corpus based on public domain audio books", 2015, "openslr.org/12", "https://www.openslr.org/12"),
    "spidr2025": _arxiv("2512.20308", 2025, "Poli, Maxime and Luthra, Mahi and Benchekroun, Youssef and Higuchi, Yosuke and Gleize, Martin and "
        "Shen, Jiayi and Algayres, Robin and Chung, Yu-An and Assran, Mido and Pino, Juan and Dupoux, Emmanuel",
        "SpidR: Learning Fast and Stable Linguistic Units for Spoken Language Models Without Supervision"),
    "sslbench": Reference("{The sslbench authors}", "sslbench: the honest cost of self-supervised speech models", 2026, "sslbench", ""),
    "summarymixing2024": _arxiv("2407.13377", 2024, "Zhang, Shucong and Parcollet, Titouan and van Dalen, Rogier and Bhattacharya, Sourav",
        "Linear-Complexity Self-Supervised Learning for Speech Processing"),
    "warden2018commands": _arxiv("1804.03209", 2018, "Warden, Pete",
        "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition"),
    "whetten2024bestrq": _arxiv("2405.04296", 2024, "Whetten, Ryan and Parcollet, Titouan and Dinarelli, Marco and Est\\`eve, Yannick",
        "Open Implementation and Study of BEST-RQ for Speech Processing"),
    "yang2023fasthubert": _arxiv("2309.13860", 2023, "Yang, Guanrou and Ma, Ziyang and Zheng, Zhisheng and Song, Yakun and Niu, Zhikang and "
        "Chen, Xie", "Fast-HuBERT: An Efficient Training Framework for Self-Supervised Speech Representation Learning"),
}
# fmt: on


def bibtex() -> str:
    """`references.bib`: every entry, sorted by key."""
    return "\n".join(_entry(key, REFERENCES[key]) for key in sorted(REFERENCES))


def bibliography() -> str:
    """`main.bbl`: the same as BibTeX would write it, so that `main.tex` needs no run of BibTeX."""
    keys = sorted(REFERENCES, key=lambda key: (_names(REFERENCES[key]) or REFERENCES[key].title, key))
    items = "\n\n".join(_item(key, REFERENCES[key]) for key in keys)
    return f"\\begin{{thebibliography}}{{{len(keys)}}}\n\n{items}\n\n\\end{{thebibliography}}\n"


def _entry(key: str, entry: Reference) -> str:
    fields = {"author": entry.author, "title": f"{{{entry.title}}}", "year": str(entry.year), "url": entry.url}
    if entry.cited.startswith("arXiv"):
        fields |= {"eprint": entry.cited.removeprefix("arXiv "), "archiveprefix": "arXiv"}
    if key == "sslbench":
        fields["note"] = f"version {version('sslbench')}"
    fields = {"key": key, **fields} if not entry.author else fields
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@misc{{{key},\n{lines}}}\n"


def _names(entry: Reference) -> str:
    """The authors, separated by semicolons."""
    return entry.author.replace(" and others", " et al.").replace(" and ", "; ").strip("{}")


def _item(key: str, entry: Reference) -> str:
    names = f"{_names(entry)}. " if entry.author else ""
    where = f" \\texttt{{{escape_latex(entry.url)}}}." if entry.url else f" Version {version('sslbench')}."
    return f"\\bibitem{{{key}}}\n{names}\\emph{{{escape_latex(entry.title)}}}, {entry.year}.{where}"
