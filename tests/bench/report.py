"""Rows of a benchmark, their aims, and how they are shown: a table for people (valid Markdown) and JSON."""
import dataclasses
import statistics

SPREAD = 0.25  # a median whose samples spread wider than this part of it is marked


@dataclasses.dataclass(frozen=True)
class BestOf:
    columns: tuple


@dataclasses.dataclass(frozen=True)
class Aim:
    """`limit` times the value of `of` (a column of the same row, BestOf several, or (row, column)), or `limit` alone."""
    text: str
    limit: float
    at_least: bool = False
    of: object = None


@dataclasses.dataclass(frozen=True)
class Row:
    key: str
    title: str
    unit: str
    digits: int = 0
    aim: Aim | None = None


class Results:
    """Samples by row and column (a peer)."""

    def __init__(self, rows, columns):
        self.rows, self.columns, self.samples = rows, columns, {}

    def add(self, row, column, value):
        self.samples.setdefault((row, column), []).append(value)

    def median(self, row, column):
        found = self.samples.get((row, column))
        return statistics.median(found) if found else None

    def ratio(self, row, column, other):
        mine, theirs = self.median(row, column), self.median(row, other)
        return mine / theirs if mine is not None and theirs else None

    def spreads(self, row, column):
        found = self.samples.get((row, column), [])
        return len(found) > 1 and max(found) - min(found) > SPREAD * statistics.median(found)

    def verdict(self, row, subject):
        value = self.median(row.key, subject)
        if row.aim is None or value is None:
            return ""
        limit = row.aim.limit
        if row.aim.of is not None:
            base = self.base_of(row)
            if base is None:
                return ""
            limit *= base
        return "met" if (value >= limit if row.aim.at_least else value <= limit) else "missed"

    def base_of(self, row):
        of = row.aim.of
        if isinstance(of, BestOf):
            found = [value for column in of.columns if (value := self.median(row.key, column)) is not None]
            return (max(found) if row.aim.at_least else min(found)) if found else None
        return self.median(*of) if isinstance(of, tuple) else self.median(row.key, of)

    def as_json(self, subject, others):
        shown = []
        for row in self.rows:
            values = {}
            for column in self.columns:
                if found := self.samples.get((row.key, column)):
                    values[column] = {"median": statistics.median(found), "min": min(found), "max": max(found), "samples": found}
            ratios = {other: self.ratio(row.key, subject, other) for other in others}
            entry = {"key": row.key, "title": row.title, "unit": row.unit, "values": values}
            entry["ratios"] = {other: ratio for other, ratio in ratios.items() if ratio is not None}
            if row.aim:
                entry["aim"] = {"text": row.aim.text, "verdict": self.verdict(row, subject) or None}
            shown.append(entry)
        return shown

    def cell(self, row, column):
        value = self.median(row.key, column)
        if value is None:
            return "—"
        return f"{value:.{row.digits}f}" + ("~" if self.spreads(row.key, column) else "")

    def as_table(self, subject, others):
        head = ["", *self.columns, *(f"× {other}" for other in others), "aim", ""]
        lines = []
        for row in self.rows:
            if self.median(row.key, subject) is None:
                continue
            ratios = [self.ratio(row.key, subject, other) for other in others]
            cells = [f"{row.title}, {row.unit}", *(self.cell(row, column) for column in self.columns)]
            cells += ["—" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
            lines.append([*cells, row.aim.text if row.aim else "", self.verdict(row, subject)])
        return markdown(head, lines)


def markdown(head, lines):
    widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
    left = {0, len(head) - 2, len(head) - 1}  # what is text; the rest are numbers

    def drawn(line):
        cells = (cell.ljust(width) if i in left else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths)))
        return "| " + " | ".join(cells) + " |"

    rule = "|" + "|".join("-" * (width + 2) if i in left else "-" * (width + 1) + ":" for i, width in enumerate(widths)) + "|"
    return "\n".join([drawn(head), rule, *(drawn(line) for line in lines)])
