"""Abusive requests, each with a name and the statuses that may answer it.

What is sent is made here, not stored: most payloads are large and all are repetitions.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import get_introspection_query

JSON = "application/json"


@dataclass(frozen=True)
class Payload:
    """One request; ``statuses`` are those that it may be answered with."""

    name: str
    body: bytes
    statuses: tuple[int, ...]
    codes: tuple[str, ...] = ()
    content_type: str = JSON
    method: str = "POST"
    query_string: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def document(name: str, query: str, status: int, *codes: str, **members: Any) -> Payload:
    """A document in an otherwise plain request; the answer has one of ``codes``, if any."""
    body = json.dumps({"query": query, **members}).encode()
    return Payload(name, body, (status,), codes)


def raw(name: str, body: bytes, *statuses: int, **more: Any) -> Payload:
    """A body as it is."""
    return Payload(name, body, statuses, **more)


def corpus() -> list[Payload]:
    """All of it."""
    parts = (
        fragments(), overlapping(), floods(), introspection(), texts(), nesting(), values(),
        scalars(), errors(), costs(), bodies(), protocol(),
    )  # fmt: skip
    return [payload for part in parts for payload in part]


LIST = "controlPlaneExecutionList(input: {limit: 1})"
PING = "{ __typename }"


def fragments() -> Iterator[Payload]:
    """Fragments that multiply, circle, chain and hide what they hold."""

    def doubling(levels: int, of: str = "Query", last: str = "__typename") -> str:
        spread = (f"fragment f{i} on {of} {{ ...f{i + 1} ...f{i + 1} }}" for i in range(levels))
        return " ".join(spread) + f" fragment f{levels} on {of} {{ {last} }}"

    yield document("doubling 2^13", "{ ...f0 } " + doubling(13), 422, "FIELD_LIMIT_EXCEEDED",
                   "ROOT_FIELD_LIMIT_EXCEEDED")  # fmt: skip
    yield document("doubling 2^48", "{ ...f0 } " + doubling(48), 422, "FIELD_LIMIT_EXCEEDED",
                   "ROOT_FIELD_LIMIT_EXCEEDED")  # fmt: skip
    output = "ControlPlaneExecutionListOutput"
    yield document("doubling below a field", f"{{ {LIST} {{ ...f0 }} }} "
                   + doubling(20, output, "total"), 422, "FIELD_LIMIT_EXCEEDED")  # fmt: skip
    yield document("a circle", "{ ...a } fragment a on Query { ...b } "
                   "fragment b on Query { ...a }", 422, "GRAPHQL_VALIDATION_FAILED")  # fmt: skip
    circle = " ".join(f"fragment c{i} on Query {{ ...c{(i + 1) % 50} }}" for i in range(50))
    yield document("a circle of fifty", "{ ...c0 } " + circle, 422, "GRAPHQL_VALIDATION_FAILED")
    full = " ".join(
        f"fragment m{i} on Query {{ {' '.join(f'...m{n}' for n in range(12))} }}" for i in range(12)
    )
    yield document("all spread all", "{ ...m0 } " + full, 422, "GRAPHQL_VALIDATION_FAILED")
    chain = " ".join(f"fragment d{i} on Query {{ ...d{i + 1} }}" for i in range(49))
    yield document("a chain", "{ ...d0 } " + chain + " fragment d49 on Query { __typename }", 200)
    many = " ".join(f"fragment e{i} on Query {{ __typename }}" for i in range(200))
    yield document("two hundred fragments", PING + many, 422, "FRAGMENT_LIMIT_EXCEEDED")
    unused = " ".join(f"fragment u{i} on Query {{ __typename }}" for i in range(50))
    yield document("fifty unused", PING + unused, 422, "GRAPHQL_VALIDATION_FAILED")
    yield document("inline in inline", "{" + "... {" * 150 + "__typename" + "}" * 151, 200)
    yield document("inline in inline 600 deep", "{" + "... {" * 600 + "__typename" + "}" * 601, 400)
    yield document("unknown fragments", "{" + " ...nowhere" * 400 + "}", 422,
                   "GRAPHQL_VALIDATION_FAILED")  # fmt: skip


def overlapping() -> Iterator[Payload]:
    """Fields of one response name, which GraphQL's rules compare with one another."""
    yield document("one field 900 times", f"{{ {LIST} {{ {'total ' * 900} }} }}", 422,
                   "OVERLAP_LIMIT_EXCEEDED")  # fmt: skip
    inner = "items { executionId status } " * 100
    yield document("objects 100 times", f"{{ {LIST} {{ {inner} }} }}", 422,
                   "OVERLAP_LIMIT_EXCEEDED")  # fmt: skip
    nested = "lane { laneKey lanePhase laneStatus } " * 20
    deep = f"items {{ {nested} }} " * 10
    yield document("objects in objects", f"{{ {LIST} {{ {deep} }} }}", 422,
                   "OVERLAP_LIMIT_EXCEEDED")  # fmt: skip
    siblings = " ".join(f"...s{i}" for i in range(49))
    declared = " ".join(
        f"fragment s{i} on ControlPlaneExecutionListOutput "
        "{ items { executionId status riskTier updatedAt } total }" for i in range(49)
    )  # fmt: skip
    yield Payload(
        "sibling fragments",
        json.dumps({"query": f"{{ {LIST} {{ {siblings} }} }} {declared}"}).encode(),
        (200, 422),
    )
    clash = " ".join(f"x: {name}" for name in ("items { executionId }", "total") * 14)
    yield document("fields that clash", f"{{ {LIST} {{ {clash} }} }}", 422)


def floods() -> Iterator[Payload]:
    """Very many of one thing."""
    yield document("2,600 aliases", "{" + "".join(f"a{i}:__typename " for i in range(2600)) + "}",
                   422, "SOURCE_LIMIT_EXCEEDED", "TOKEN_LIMIT_EXCEEDED")  # fmt: skip
    yield document("31 aliases", "{" + "".join(f"a{i}:__typename " for i in range(31)) + "}", 422,
                   "ALIAS_LIMIT_EXCEEDED")  # fmt: skip
    some = "".join(f"a{i}:__typename " for i in range(600))
    yield document("600 aliases", "{" + some + "}", 422, "ALIAS_LIMIT_EXCEEDED")
    yield document("600 root fields", "{" + "__typename " * 600 + "}", 422,
                   "ROOT_FIELD_LIMIT_EXCEEDED")  # fmt: skip
    yield document("directives", "{ __typename" + " @skip(if: false)" * 250 + "}", 422,
                   "DIRECTIVE_LIMIT_EXCEEDED")  # fmt: skip
    yield document("unknown directives", "{ __typename" + " @x" * 900 + "}", 422,
                   "DIRECTIVE_LIMIT_EXCEEDED")  # fmt: skip
    yield document("operations", "".join(f"query q{i} {PING}" for i in range(300)), 422,
                   "OPERATION_LIMIT_EXCEEDED")  # fmt: skip
    variables = "".join(f"$v{i}: Int " for i in range(450))
    yield document("variables", f"query ({variables}) {PING}", 422, "VARIABLE_LIMIT_EXCEEDED")
    yield document("tokens", "{" + "a " * 15_000 + "}", 422, "TOKEN_LIMIT_EXCEEDED")
    yield document("punctuation", "{" * 30_000, 400, "GRAPHQL_PARSE_FAILED")
    yield document("commas", "," * 30_000 + PING, 200)
    yield document("arguments", f"{{ {LIST[:-1]}{' a: 1' * 600}) {{ total }} }}", 422,
                   "GRAPHQL_VALIDATION_FAILED")  # fmt: skip
    roots = " ".join(f"r{i}: {LIST} {{ total }}" for i in range(20))
    yield document("all that is allowed", f"{{ {roots} }}", 200)


def introspection() -> Iterator[Payload]:
    """The schema asked for again and again, and through itself."""
    whole = get_introspection_query()
    yield document("the query of tools", whole, 200)
    head, rest = whole.split("__schema", 1)
    inside, fragments_ = rest.split("fragment", 1)
    four = " ".join(f"a{i}: __schema {inside.strip()[:-1]}" for i in range(4))
    yield document("four times the query of tools", f"{{ {four} }} fragment {fragments_}", 422,
                   "INTROSPECTION_COST_LIMIT_EXCEEDED")  # fmt: skip
    assert "query" in head
    twice = "{ __schema { types { fields { type { fields { %s } } } } } }"
    leaves = "name description args { name description type { name kind } } type { name kind }"
    yield Payload("fields of fields", json.dumps({"query": twice % leaves}).encode(), (200, 422))
    deep = "fields { type { " * 10 + "name" + " } }" * 10
    yield document("fields of fields ten deep", f"{{ __schema {{ types {{ {deep} }} }} }}", 422)
    of = "ofType { " * 28 + "name" + " }" * 28
    yield document("types of types", f'{{ __type(name: "Query") {{ {of} }} }}', 200)
    too_deep = "ofType { " * 100 + "name" + " }" * 100
    yield document("types of types 100 deep", f"{{ __schema {{ types {{ {too_deep} }} }} }}", 422,
                   "INTROSPECTION_DEPTH_LIMIT_EXCEEDED")  # fmt: skip
    aliased = " ".join(f"a{i}: __schema {{ types {{ name }} }}" for i in range(200))
    yield document("200 aliases of it", f"{{ {aliased} }}", 422, "INTROSPECTION_LIMIT_EXCEEDED")
    named = " ".join('__type(name: "Query") { name }' for _ in range(20))
    yield document("types by name", f"{{ {named} }}", 422, "INTROSPECTION_LIMIT_EXCEEDED")
    wide = " ".join(f"a{i}: fields {{ name args {{ name }} }}" for i in range(25))
    yield document("one list 25 times", f"{{ __schema {{ types {{ {wide} }} }} }}", 422,
                   "INTROSPECTION_COST_LIMIT_EXCEEDED")  # fmt: skip
    many = (
        "name description args { name description defaultValue type { name } } type { name kind }"
    )
    widest = " ".join(f"a{i}: fields {{ {many} }}" for i in range(30))
    widest = f"{{ __schema {{ queryType {{ {widest} }} }} }}"
    yield document("the widest type 30 times", widest, 422, "INTROSPECTION_COST_LIMIT_EXCEEDED")
    hidden = "fragment t on __Type { fields { type { ...n } } } fragment n on __Type { fields "
    hidden += "{ args { type { ...k } } type { ...k } } } fragment k on __Type { name kind }"
    five = " ".join(f"a{i}: types {{ ...t }}" for i in range(5))
    yield document("nests in fragments", f"{{ __schema {{ {five} }} }} {hidden}", 422,
                   "INTROSPECTION_COST_LIMIT_EXCEEDED")  # fmt: skip


def texts() -> Iterator[Payload]:
    """Comments, strings and numbers without end."""
    yield document("comments", "#\n" * 15_000 + PING, 422, "COMMENT_LIMIT_EXCEEDED")
    yield document("one long comment", "#" + "x" * 31_000 + "\n" + PING, 200)
    yield document("60,000 comments", "#\n" * 60_000 + PING, 422, "SOURCE_LIMIT_EXCEEDED")
    yield document("block strings", "{" + '__typename @x(a: """a""")' * 300 + "}", 422,
                   "TOKEN_LIMIT_EXCEEDED", "DIRECTIVE_LIMIT_EXCEEDED")  # fmt: skip
    lines = '"""' + " \n" * 15_000 + '"""'
    yield document("a block string of lines", f"{{ __typename @skip(if: {lines}) }}", 422)
    indented = '"""' + "".join(" " * (i % 200) + "a\n" for i in range(280)) + '"""'
    yield document("a block string of indents", f"{{ __typename @skip(if: {indented}) }}", 422)
    quotes = '"""' + '\\"""' * 7000 + '"""'
    yield document("quotes in a block string", f"{{ __typename @skip(if: {quotes}) }}", 422)
    yield document("an unfinished block string", '{ __typename @x(a: """' + '"' * 30_000, 400)
    yield document("an unfinished string", '{ __typename @x(a: "' + "\\u0041" * 5000, 400)
    escapes = '"' + "\\u{10FFFF}" * 2900 + '"'
    yield document("escapes", f"{{ __typename @skip(if: {escapes}) }}", 422)
    yield document("a huge integer", f"{{ __typename @skip(if: {'9' * 30_000}) }}", 422)
    yield document(
        "a huge float", f"{{ __typename @skip(if: {'9' * 15_000}.{'9' * 15_000}) }}", 422
    )
    yield document("a huge exponent", "{ __typename @skip(if: 1e999999999) }", 422)
    huge = f"{{ controlPlaneExecutionList(input: {{limit: {'9' * 30_000}}}) {{ total }} }}"
    yield document("a huge limit", huge, 422, "GRAPHQL_VALIDATION_FAILED", "LIST_LIMIT_EXCEEDED")
    yield document("a long name", f"{{ {'a' * 31_000} }}", 422, "GRAPHQL_VALIDATION_FAILED")
    yield document("byte order marks", "\ufeff" * 10_000 + PING, 200)


def nesting() -> Iterator[Payload]:
    """Levels upon levels, in documents and in JSON."""
    listed = "{controlPlaneExecutionList(input:{status:%s}){total}}"
    submit = (
        "mutation{controlPlaneIntentSubmit(input:{workspaceId:1,text:1,metadata:%s}){intentId}}"
    )
    for levels, statuses in ((100, (422,)), (900, (400,))):
        lists, objects = "[" * levels + "]" * levels, "{a:" * levels + "1" + "}" * levels
        selected = "a {" * levels + "b" + "}" * levels
        types = "[" * levels + "Int" + "]" * levels
        for name, query in (
            ("selections", f"{{ {selected} }}"),
            ("lists in a literal", listed % lists),
            ("objects in a literal", listed % objects),
            ("objects in a JSON scalar", submit % objects),
            ("lists in a type", f"query ($a: {types}) {PING}"),
        ):
            body = json.dumps({"query": query}).encode()
            yield Payload(f"{name} {levels} deep", body, statuses)
    yield raw("JSON arrays", b"[" * 100_000, 400)
    yield raw("JSON objects", b'{"a":' * 50_000, 400)
    yield raw("JSON in variables", b'{"query":"{__typename}","variables":{"a":' + b"[" * 65
              + b"]" * 65 + b"}}", 400)  # fmt: skip
    yield raw("JSON strings of brackets", b'{"query":"' + b"[{" * 100_000 + b'"}', 422)
    yield raw("wide and not deep", b'{"query":"{__typename}","variables":{"a":['
              + b"[]," * 19_000 + b"[]]}}", 200)  # fmt: skip
    yield raw("80,000 arrays", b'{"query":"{__typename}","variables":{"a":['
              + b"[]," * 80_000 + b"[]]}}", 400)  # fmt: skip
    extensions = b"[" * 60 + b"]" * 60
    yield raw("extensions", b'{"query":"{__typename}","extensions":{"a":' + extensions + b"}}", 200)


def values() -> Iterator[Payload]:
    """Variables that are large, odd, or many."""
    take = (
        "query ($i: ControlPlaneExecutionListInput!) "
        "{ controlPlaneExecutionList(input: $i) { total } }"
    )
    plain = json.dumps({"query": take, "variables": {"i": {"limit": "N"}}}).encode()
    yield raw("an integer of 20,000 digits", plain.replace(b'"N"', b"9" * 20_000), 400)
    yield raw("an integer of 32 digits", plain.replace(b'"N"', b"9" * 32), 422)
    yield raw("a float beyond doubles", plain.replace(b'"N"', b"1e99999"), 400)
    yield raw("not a number", plain.replace(b'"N"', b"NaN"), 400)
    yield raw("a long float", plain.replace(b'"N"', b"0." + b"1" * 200_000), 422)
    many = {f"key{i}": i for i in range(12_000)}
    yield document("unknown members", take, 422, "VALIDATION_FAILED", variables={"i": many})
    yield document("unused variables", PING, 200, variables=many)
    wrong = (
        "mutation ($i: ControlPlaneApprovalDecideInput!) "
        "{ controlPlaneApprovalDecide(input: $i) { __typename } }"
    )
    yield document("a list of wrong items", wrong, 422, "VALIDATION_FAILED",
                   variables={"i": {"decisions": [[1]] * 19_000}})  # fmt: skip
    search = "query ($t: [String!]) { auditRecordSearch(input: {types: $t}) { __typename } }"
    items = b'"",' * 85_000
    for name, last in (("wrong", b"1"), ("null", b"null")):
        yield raw(f"a long list whose last item is {name}", b'{"query":%b,"variables":{"t":[%b]}}'
                  % (json.dumps(search).encode(), items + last), 422)  # fmt: skip
    twice = b",".join(b'"a":1' for _ in range(40_000))
    yield raw("one key 40,000 times", b'{"query":"{__typename}","variables":{' + twice + b"}}", 400)
    halves = b'{"query":"{__typename}","variables":{"a":"' + b"\\ud800" * 40_000 + b'"}}'
    yield raw("halves of characters", halves, 400)
    copies = (
        'mutation ($m: JSON) { controlPlaneIntentSubmit(input: {workspaceId: 1, text: "a", '
        "metadata: {a: [" + "$m " * 900 + "]}}) { intentId } }"
    )
    for name, value in (("text", "x" * 240_000), ("list", [1] * 60_000)):
        yield document(f"one {name} 900 times", copies, 413, "PAYLOAD_TOO_LARGE",
                       variables={"m": value})  # fmt: skip
    members = " ".join(f"a{i}: 1" for i in range(600))
    for name, literal in (("unknown members", "{%s}"), ("members of an enum", "{status: {%s}}")):
        query = f"{{ controlPlaneExecutionList(input: {literal % members}) {{ total }} }}"
        yield document(f"{name} in a literal", query, 422, "GRAPHQL_VALIDATION_FAILED")
    defaults = " ".join(f"$v{i}: [Int!] = [{'1 ' * 30}]" for i in range(50))
    yield document("defaults", f"query ({defaults}) {PING}", 422)


def scalars() -> Iterator[Payload]:
    """Free JSON, as much as a body holds, of which every value is looked at."""
    submit = (
        "mutation ($i: ControlPlaneIntentSubmitInput!) "
        "{ controlPlaneIntentSubmit(input: $i) { intentId } }"
    )
    parts = {
        "arrays": ["[[]]"] * 9000,
        "integers": ["1"] * 100_000,
        "texts": ['""'] * 60_000,
        "floats": ["0.5"] * 50_000,
        "objects": [f'{{"k{i}": {i}}}' for i in range(12_000)],
    }
    for name, values_ in parts.items():
        metadata = f'{{"a": [{",".join(values_)}]}}'
        given = f'{{"i": {{"workspaceId": "elsewhere", "text": "a", "metadata": {metadata}}}}}'
        body = f'{{"query": {json.dumps(submit)}, "variables": {given}}}'
        yield raw(f"{name} in a JSON scalar", body.encode(), 294)


def errors() -> Iterator[Payload]:
    """Requests that would make very many errors."""
    yield document("unknown fields", "{" + " ".join(f"a{i}" for i in range(19)) + "}", 422,
                   "GRAPHQL_VALIDATION_FAILED")  # fmt: skip
    below = " ".join(f"controlPlaneExecutionLis{i}" for i in range(900))
    yield document("names to guess", f"{{ {LIST} {{ {below} }} }}", 422,
                   "GRAPHQL_VALIDATION_FAILED")  # fmt: skip
    like = " ".join(f"... on ControlPlaneExecutionListConnectionsOf{i} {{ a }}" for i in range(9))
    yield document("types to guess", f"{{ {like} }}", 422, "GRAPHQL_VALIDATION_FAILED")
    missing = " ".join(
        f'r{i}: controlPlaneExecutionGet(input: {{executionId: "no-{i}"}}) '
        "{ execution { executionId } }" for i in range(20)
    )  # fmt: skip
    yield document("twenty that are not found", f"{{ {missing} }}", 294, "NOT_FOUND")
    ids = [f"none{i}" for i in range(120)]
    nodes = "query ($i: [ID!]!) { nodes(ids: $i) { id } nodes(ids: $i) { __typename } }"
    yield document("errors of many items behind lines", "\n" * 32_000 + nodes, 294,
                   "VALIDATION_FAILED", variables={"i": ids})  # fmt: skip
    yield document("seven hundred ids", nodes, 422, "COST_LIMIT_EXCEEDED",
                   variables={"i": [f"none{i}" for i in range(700)]})  # fmt: skip
    reviews = " ".join(f"r{i}: policyAccessReview(input: {{}}) {{ rows }}" for i in range(20))
    yield document("twenty access reviews", f"{{ {reviews} }}", 422, "COST_LIMIT_EXCEEDED")
    deprecated = "query ($v: Boolean = true) { __schema { types { %s } } }"
    deprecated %= "fields(includeDeprecated: $v) { name }"
    yield document("errors of the schema behind lines", "\n" * 32_000 + deprecated, 294,
                   "VALIDATION_FAILED", variables={"v": None})  # fmt: skip
    undeclared = " ".join(f"@skip(if: $v{i})" for i in range(49))
    yield document("undeclared variables", f"{{ __typename {undeclared} }}", 422)
    arguments = " ".join(f"inpu{i}: 1" for i in range(20))
    called = f"controlPlaneExecutionList({arguments}) {{ total }}"
    unknown = " ".join(f"a{i}: {called}" for i in range(20))
    yield document("unknown arguments", f"{{ {unknown} }}", 422, "GRAPHQL_VALIDATION_FAILED")
    wide = " ".join(f"$v{i}: ID!" for i in range(50))
    get = "controlPlaneExecutionGet"
    used = " ".join(f"x{i}: {get}(input: {{executionId: $v{i}}}) {{ __typename }}"
                    for i in range(20))  # fmt: skip
    many = " ".join(f"query q{i}({wide}) {{ ...f }}" for i in range(6))
    yield document("unused variables in six operations", f"{many} fragment f on Query {{ {used} }}",
                   422, "GRAPHQL_VALIDATION_FAILED")  # fmt: skip
    wrong = "{" + f'a: {LIST[:-2]}, status: 1, offset: "x"}}) {{ total }} ' * 15 + "}"
    yield document("literals of the wrong type", wrong, 422)


def costs() -> Iterator[Payload]:
    """What is small to send and large to answer."""
    most = (
        "{ controlPlaneExecutionMine(input: {limit: %d}) { items { executionId steps { %s } } } }"
    )
    fields = "stepId key contract status"
    yield document("a long list of lists", most % (1000, fields), 422, "COST_LIMIT_EXCEEDED")
    yield document("a longer list", most % (100_000, "stepId"), 422, "LIST_LIMIT_EXCEEDED")
    ten = " ".join(f"r{i}: {(most % (50, fields))[2:-2]}" for i in range(10))
    yield document("ten lists of lists", f"{{ {ten} }}", 422, "COST_LIMIT_EXCEEDED")
    asked = (
        "query ($n: Int) { controlPlaneExecutionMine(input: {limit: $n}) "
        "{ items { steps { stepId key contract status } } } }"
    )
    yield document("by a variable", asked, 422, "COST_LIMIT_EXCEEDED", variables={"n": 1000})


def bodies() -> Iterator[Payload]:
    """Bodies that are none, not JSON, or of another kind."""
    plain = json.dumps({"query": PING}).encode()
    yield raw("nothing", b"", 400)
    yield raw("a batch", b"[" + b",".join([plain] * 1000) + b"]", 422)
    for name, body in (
        ("a number", b"1"), ("a string", b'"x"'), ("null", b"null"), ("true", b"true"),
    ):  # fmt: skip
        yield raw(name, body, 422)
    yield raw("UTF-16", plain.decode().encode("utf-16"), 400)
    yield raw("no UTF-8", b'{"query":"\xff\xfe"}', 400)
    yield raw("gzip", gzip.compress(b" " * 10_000_000 + plain), 415,
              headers={"content-encoding": "gzip"})  # fmt: skip
    yield raw("300 KB", b" " * 300_000 + plain, 413)
    yield raw("white space", b" " * 250_000 + plain, 200)
    form = (
        b'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n' + plain + b"\r\n--x--"
    )
    yield raw("an upload", form, 415, content_type="multipart/form-data; boundary=x")
    yield raw("a form", b"query=" + b"a" * 1000, 415,
              content_type="application/x-www-form-urlencoded")  # fmt: skip
    yield raw("plain text", plain, 415, content_type="text/plain")
    yield raw("no content type", plain, 415, content_type="")
    yield raw("null characters", b"\x00" * 100_000, 400)
    yield raw("a long operation name", json.dumps(
        {"query": PING, "operationName": "a" * 200_000}).encode(), 422)  # fmt: skip


def protocol() -> Iterator[Payload]:
    """What HTTP itself can carry."""
    get = "%7B__typename%7D"
    yield Payload("GET of another site", b"", (400,), method="GET", query_string=f"query={get}")
    yield Payload("a long URI", b"", (414,), method="GET", query_string="query=" + "a" * 20_000)
    yield Payload("many parameters", b"", (400, 422), method="GET",
                  query_string="&".join(f"a{i}=1" for i in range(1500)),
                  headers={"graphql-require-preflight": "1"})  # fmt: skip
    yield Payload("a mutation by GET", b"", (405,), method="GET", query_string="query=mutation%7B"
                  "controlPlaneIntentSubmit(input:%7BworkspaceId:1,text:%22a%22%7D)%7BintentId%7D%7D",
                  headers={"graphql-require-preflight": "1"})  # fmt: skip
    for method in ("PUT", "TRACE", "DELETE"):
        yield Payload(method, b"", (405,), method=method)
    accept = ",".join(f"a/b{i};q=0.{i % 10}" for i in range(2500))
    yield Payload("media ranges", json.dumps({"query": PING}).encode(), (200, 406, 431),
                  headers={"accept": accept[:30_000]})  # fmt: skip
    yield Payload("many headers", b"", (431,), headers={f"x-h{i}": "1" for i in range(400)})
    yield Payload("large headers", b"", (431,), headers={"cookie": "a" * 60_000})
    yield Payload("a token of 16 KB", json.dumps({"query": PING}).encode(), (401,),
                  headers={"authorization": "Bearer " + "a." * 8000})  # fmt: skip
