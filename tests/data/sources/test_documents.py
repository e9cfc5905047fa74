"""Documents: Markdown, pages, PDF and Word give the text that a reader sees, one row each."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import docx
import pytest

from penjing.data.sources import FaultLog, Layout, read_file
from penjing.errors import DataError, RecipeError

SENTENCES = ["The rooms were clean and the staff was friendly.", "Breakfast ends at ten, which is early on a Sunday."]


def text_of(path: Path, **layout: object) -> str:
    (batch,) = read_file(path, ("body",), Layout(**layout))  # type: ignore[arg-type]
    assert batch.rows == [1]
    (text,) = batch.columns["body"]
    return str(text)


def page(body: str, charset: str) -> bytes:
    head = f"<html><head><meta charset='{charset}'><title>Hotel</title></head><body>"
    menu = "<nav><a href='/'>Home</a> | <a href='/login'>Log in</a></nav>"
    return f"{head}{menu}<article><h1>Hotel</h1>{body}</article><footer>All rights reserved</footer></html>".encode(
        charset
    )


def pdf(texts: list[str]) -> bytes:
    """Returns a PDF with a page for each text."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(texts)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(texts)} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number, text in enumerate(texts):
        lines = " T* ".join(f"({line}) Tj" for line in text.split("\n"))
        stream = zlib.compress(f"BT /F1 12 Tf 14 TL 72 720 Td {lines} ET".encode())
        resources = "/Resources << /Font << /F1 3 0 R >> >> /MediaBox [0 0 612 792]"
        objects.append(f"<< /Type /Page /Parent 2 0 R {resources} /Contents {5 + 2 * number} 0 R >>".encode())
        head = f"<< /Length {len(stream)} /Filter /FlateDecode >>\nstream\n".encode()
        objects.append(head + stream + b"\nendstream")
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    start = len(out)
    out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{table}".encode()
    return out + f"trailer << /Size {len(places) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()


def test_markdown_is_one_text_without_front_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("---\ntitle: Hotel\n---\n# Hotel\n\nClean *rooms*.\n\n---\n\nMore.\n")
    assert text_of(path) == "# Hotel\n\nClean *rooms*.\n\n---\n\nMore."


@pytest.mark.parametrize("charset", ["utf-8", "gb2312", "big5"])
def test_page_gives_its_main_text_in_the_encoding_it_names(tmp_path: Path, charset: str) -> None:
    chinese = {"big5": "這家酒店的位置很好，早餐也不錯。", "gb2312": "这家酒店的位置很好，早餐也不错。"}.get(
        charset, "酒店"
    )
    path = tmp_path / "a.html"
    path.write_bytes(page("".join(f"<p>{text}</p>" for text in (*SENTENCES, chinese)), charset))
    assert text_of(path).split("\n") == ["Hotel", *SENTENCES, chinese]


def test_page_without_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text("<html><body></body></html>")
    with pytest.raises(DataError, match=r"a\.html: there is no main text"):
        text_of(path)


def test_pdf_gives_the_text_of_all_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(["\n".join(SENTENCES), "The second page."]))
    assert text_of(path) == "\n".join(SENTENCES) + "\n\nThe second page."


def test_pdf_that_is_a_scan_or_damaged_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(pdf([""]))
    with pytest.raises(DataError, match=r"scan\.pdf: the PDF has 1 pages and no text"):
        text_of(tmp_path / "scan.pdf")
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.4\nnothing")
    with pytest.raises(DataError, match=r"bad\.pdf: the file is no PDF, or damaged"):
        text_of(tmp_path / "bad.pdf")


def test_word_document_gives_paragraphs_and_tables_in_order(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Bericht", 1)
    document.add_paragraph(SENTENCES[0])
    table = document.add_table(2, 2)
    for place, text in enumerate(("Zimmer", "Note", "101", "gut")):
        table.cell(place // 2, place % 2).text = text
    document.add_paragraph("结束。")
    document.save(str(tmp_path / "a.docx"))
    assert text_of(tmp_path / "a.docx") == f"Bericht\n{SENTENCES[0]}\nZimmer\tNote\n101\tgut\n结束。"


def test_cell_that_spans_several_counts_once_and_a_table_in_it_is_read(tmp_path: Path) -> None:
    document = docx.Document()
    table = document.add_table(2, 3)
    table.cell(0, 0).merge(table.cell(0, 2)).text = "wide"
    inner = table.cell(1, 1).add_table(1, 2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "in", "side"
    document.save(str(tmp_path / "a.docx"))
    assert text_of(tmp_path / "a.docx") == "wide\n\tin\tside"


def test_word_document_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    docx.Document().save(str(tmp_path / "a.docx"))
    with zipfile.ZipFile(tmp_path / "a.docx", "a", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("word/more.xml", b" " * (65 << 20))
    with pytest.raises(DataError, match=r"a\.docx: it unpacks to more than 64 MiB"):
        text_of(tmp_path / "a.docx")


def test_word_document_that_is_damaged_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(DataError, match=r"a\.docx: the file is no Word document"):
        text_of(tmp_path / "a.docx")


def test_document_longer_than_allowed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("word " * 1000)
    with pytest.raises(DataError, match=r"longer than 0\.004 MB.*raise max_line_mb"):
        text_of(tmp_path / "a.md", max_line_mb=0.004)


def test_document_has_one_column(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("text")
    with pytest.raises(RecipeError, match=r"a \.md file has one column"):
        list(read_file(tmp_path / "a.md", ("text", "label"), Layout()))


def test_fault_of_a_document_is_written_down_where_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"no")
    log = FaultLog()
    assert list(read_file(tmp_path / "a.docx", ("text",), Layout(log=log))) == []
    assert [fault.where for fault in log.faults] == ["a.docx"]
