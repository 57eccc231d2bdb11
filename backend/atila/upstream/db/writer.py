"""The parts of a query, written as SQL of one dialect."""

from __future__ import annotations

from collections.abc import Sequence

from .dialect import Dialect
from .nodes import Binary, Bound, Call, Column, Group, Join, Name, Nested, Node, Table, Term, With
from .operators import ALL


def write_node(node: Node, dialect: Dialect) -> str:
    """Return the text of a part. Raises ValueError for what this database cannot do."""
    match node:
        case Bound():
            return dialect.placeholder
        case Name():
            return write_name(node, dialect, "json")
        case Term():
            return _write_term(node, dialect)
        case Group():
            return _write_group(node, dialect)
        case Binary():
            cast = "text" if node.operator == "||" else "number"
            sides = _write_side(node.left, dialect, cast), _write_side(node.right, dialect, cast)
            return dialect.arithmetic.get(node.operator, f"({{0}} {node.operator} {{1}})").format(*sides)
        case Call():
            written = ", ".join(_write_side(argument, dialect, "text") for argument in node.arguments)
            return f"{node.function}({'DISTINCT ' if node.distinct else ''}{written})"
        case Nested():
            return f"({node.query.write(dialect)})"
    return f"EXISTS {write_node(node.nested, dialect)}"


def write_all(nodes: Sequence[Node], dialect: Dialect) -> str:
    """Return conditions that all have to hold."""
    return " AND ".join(write_node(node, dialect) for node in nodes)


def write_columns(columns: Sequence[Column], dialect: Dialect) -> str:
    """Return what a SELECT or RETURNING gives."""
    return ", ".join(_write_column(column, dialect) for column in columns)


def write_table(table: Table, dialect: Dialect) -> str:
    """Return a table of FROM, INTO and their like."""
    source = table.source
    written = dialect.quote(source) if isinstance(source, str) else write_node(source, dialect)
    return f"{written} AS {dialect.quote(table.alias)}" if table.alias else written


def write_join(join: Join, dialect: Dialect) -> str:
    """Return a joined table."""
    how = f" {join.how} JOIN {write_table(join.table, dialect)}"
    if join.using:
        return f"{how} USING ({', '.join(map(dialect.quote, join.using))})"
    return f"{how} ON {write_all(join.on, dialect)}" if join.on else how


def write_with(parts: Sequence[With], dialect: Dialect) -> str:
    """Return the named queries before a statement."""
    if not parts:
        return ""
    written = []
    for part in parts:
        columns = f" ({', '.join(map(dialect.quote, part.columns))})" if part.columns else ""
        written.append(f"{dialect.quote(part.name)}{columns} AS {write_node(part.nested, dialect)}")
    recursive = "RECURSIVE " if any(part.recursive for part in parts) else ""
    return f"WITH {recursive}{', '.join(written)} "


def write_order(order: Sequence[tuple[Name, bool]], dialect: Dialect) -> str:
    """Return what rows are sorted by."""
    return ", ".join(f"{write_node(name, dialect)}{' DESC' if descending else ''}" for name, descending in order)


def write_name(name: Name, dialect: Dialect, cast: str) -> str:
    """Return a column, or what lies at a path of its JSON, read as `cast` unless the name says how."""
    table, dot, last = name.name.rpartition(".")
    if last == "*":
        return f"{dialect.quote(table)}.*" if dot else "*"
    written = dialect.quote(name.name)
    return dialect.read_path(written, name.path, name.cast or cast) if name.path else written


def _write_column(column: Column, dialect: Dialect) -> str:
    written = write_node(column.node, dialect)
    return f"{written} AS {dialect.quote(column.alias)}" if column.alias else written


def _write_term(term: Term, dialect: Dialect) -> str:
    if term.operator == "in":
        if not term.sides:
            return "1 = 0"
        if len(term.sides) == 1 and isinstance(term.sides[0], Nested):
            return f"{_write_left(term, dialect)} IN {write_node(term.sides[0], dialect)}"
    template = dialect.rewrites.get(term.operator)
    if template is None:
        template = ALL[term.operator].sql
    if not template:
        raise ValueError(f"{dialect.name} cannot do this: {term.operator} of JSON")
    sides = [_write_side(side, dialect, "text") for side in term.sides]
    return template.format(*sides, column=_write_left(term, dialect), values=", ".join(sides))


def _write_left(term: Term, dialect: Dialect) -> str:
    if not isinstance(term.left, Name):
        return write_node(term.left, dialect)
    if term.cast == "json" and not term.left.path:
        return dialect.as_json(write_name(term.left, dialect, ""))
    return write_name(term.left, dialect, term.cast or "text")


def _write_side(node: Node, dialect: Dialect, cast: str) -> str:
    return write_name(node, dialect, cast) if isinstance(node, Name) else write_node(node, dialect)


def _write_group(group: Group, dialect: Dialect) -> str:
    written = f" {group.joiner} ".join(write_node(node, dialect) for node in group.nodes)
    return f"({written}) IS NOT TRUE" if group.negated else f"({written})"
