from html.parser import HTMLParser

from fidelity.markdown import table, to_html


class _Texts(HTMLParser):
    """The texts of a page, each with the tag around it."""

    def __init__(self, page):
        super().__init__()
        self.found, self.tag = [], None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tag = tag

    def handle_data(self, data):
        if data.strip():
            self.found.append((self.tag, data.strip()))


def test_a_page_holds_the_title_the_words_and_the_table():
    text = "# Found\n\n> **Beware**: a < b.\n\n" + table(("c", "leak"), [("0.5", 0.1)]) + "\n"
    found = _Texts(to_html("plays & songs", text)).found
    assert ("title", "plays & songs") in found
    assert [pair for pair in found if pair[0] not in ("title", "style")] == [
        *[("h1", "Found"), ("strong", "Beware"), ("strong", ": a < b.")],
        *[("th", "c"), ("th", "leak"), ("td", "0.5"), ("td", "0.1")],
    ]


def test_names_from_data_are_no_markup():
    page = to_html("x", table(("song",), [("<script>alert(1)</script>",)]))
    assert "<script>" not in page
