"""What is wrong with a rejected row, in one line: a text for each set of broken rules, made once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

import polars as pl

from sluice_engine.judging.customs import Broken
from sluice_engine.judging.rules import Rule

LONGEST = 80
"""Of what a rule expects; a longer one is told by the rule's name."""
MOST_EXPLAINED = 6
"""Rules that a row breaks, of which the text says what each expects; of more it gives the names."""
WORD = 60
"""Bits of a word that are used."""
MOST_TEXTS = 100_000
"""Texts that are kept for the next batch."""


def brief(rule: Rule) -> str:
    """Such as "Quantity: minimum (at least 1)"."""
    told = f"{rule.id} ({rule.expected})" if len(rule.expected) <= LONGEST else rule.id
    return f"{rule.column}: {told}" if rule.column else told


def briefer(rule: Rule) -> str:
    """Such as "Quantity: minimum"."""
    return f"{rule.column}: {rule.id}" if rule.column else rule.id


@dataclass(slots=True)
class ErrorTexts:
    """Rules are numbered as they turn up; a set of them is a row of bits."""

    _rules: dict[str, tuple[int, Rule]] = field(default_factory=dict)
    _texts: dict[tuple[int, ...], str] = field(default_factory=dict)

    def of(self, broken: Sequence[Broken], where: pl.Series) -> pl.Series:
        """The texts of these rows of the batch, each of which breaks a rule."""
        words: dict[str, list[pl.Series]] = {}
        for each in broken:
            if each.where is not None:
                number, _ = self._rules.setdefault(brief(each.rule), (len(self._rules), each.rule))
                bit = each.where.filter(where).cast(pl.UInt64) * (1 << number % WORD)
                words.setdefault(str(number // WORD), []).append(bit)
        masks = pl.DataFrame([reduce(or_, bits).alias(name) for name, bits in words.items()])
        kinds = masks.unique()
        texts = [self._text(kinds.columns, kind) for kind in kinds.rows()]
        if len(texts) == 1:
            return pl.repeat(texts[0], masks.height, eager=True)
        told = kinds.with_columns(pl.Series("text", texts, dtype=pl.String))
        return masks.join(told, on=masks.columns, how="left", maintain_order="left")["text"]

    def _text(self, columns: Sequence[str], kind: tuple[int, ...]) -> str:
        bits = tuple(int(column) * WORD + n for column, word in zip(columns, kind, strict=True) for n in _bits(word))
        if bits not in self._texts:
            if len(self._texts) >= MOST_TEXTS:
                self._texts.clear()
            rules = [rule for _, rule in self._rules.values()]
            say = brief if len(bits) <= MOST_EXPLAINED else briefer
            self._texts[bits] = "; ".join(say(rules[bit]) for bit in sorted(bits))
        return self._texts[bits]


def _bits(word: int) -> list[int]:
    return [n for n in range(word.bit_length()) if word >> n & 1]
