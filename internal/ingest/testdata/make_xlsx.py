"""Writes workbooks by openpyxl and XlsxWriter, and workbooks.json, which says what should be read out of them."""

import datetime as dt
import json
import pathlib

import openpyxl
import openpyxl.utils.datetime
import xlsxwriter
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

FOLDER = pathlib.Path(__file__).parent
MOMENTS = [
    (dt.datetime(2026, 1, 31, 12, 34, 56, 789000), "2026-01-31 12:34:56.789000"),
    (dt.datetime(1900, 2, 28), "1900-02-28 00:00:00"),
    (dt.datetime(1900, 3, 1), "1900-03-01 00:00:00"),
    (dt.datetime(1999, 12, 31, 23, 59, 59), "1999-12-31 23:59:59"),
    (dt.datetime(9999, 12, 31), "9999-12-31 00:00:00"),
]


def of_openpyxl(path, epoch):
    book = openpyxl.Workbook()
    book.epoch = epoch
    cover = book.active
    cover.title = "Cover"
    cover["A1"] = "not the data"
    cover.sheet_state = "hidden"
    sheet = book.create_sheet("Data")
    sheet["A1"] = "Prices, as of today"
    sheet.merge_cells("A1:C1")
    sheet.append(["text", "number", "flag", "day", "moment", "clock", "length"])
    rows = []
    for i, (moment, text) in enumerate(MOMENTS):
        if epoch == openpyxl.utils.datetime.CALENDAR_MAC_1904 and moment.year < 1904:
            continue
        rich = CellRichText("a ", TextBlock(InlineFont(b=True), "bold"), " end")
        values = [rich if i == 0 else f" ä€😀{i} ", 1.1 * i, i % 2 == 0, moment.date(), moment, dt.time(0, 30, i), dt.timedelta(hours=25, seconds=i)]
        sheet.append(values)
        rows.append([
            "a bold end" if i == 0 else f" ä€😀{i} ", f"{1.1 * i:.16g}", "true" if i % 2 == 0 else "false", str(moment.date()), text,
            f"00:30:0{i}", f"25:00:0{i}",
        ])
    for row in sheet.iter_rows(min_row=3):
        row[3].number_format, row[4].number_format = "dd.mm.yyyy", "yyyy-mm-dd hh:mm:ss.000"
        row[5].number_format, row[6].number_format = "h:mm:ss AM/PM", "[h]:mm:ss"
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions["B"].hidden = True
    book.save(path)
    return {"header": 2, "rows": rows}


def of_xlsxwriter(path, options):
    book = xlsxwriter.Workbook(path, options)
    book.add_chartsheet("Chart")
    sheet = book.add_worksheet("Data")
    sheet.activate()
    formats = [book.add_format({"num_format": code}) for code in (14, '[$-407]d. mmmm yyyy;@', "m/d/yy h:mm")]
    sheet.write_row(0, 0, ["text", "number", "day", "moment", "computed"])
    rows = []
    for i, (moment, text) in enumerate(MOMENTS):
        if options.get("date_1904") and moment.year < 1904:
            continue
        row = len(rows) + 1
        sheet.write_string(row, 0, f"line\r\n_x000D_ {i}\x01")
        sheet.write_number(row, 1, 12345678 * i / 7)
        sheet.write_datetime(row, 2, moment.date(), formats[row % 2])
        sheet.write_datetime(row, 3, moment, formats[2])
        sheet.write_formula(row, 4, f'="v"&{i}', None, f"v{i}")
        rows.append([f"line\r\n_x000D_ {i}\x01", f"{12345678 * i / 7:.16G}", str(moment.date()), text, f"v{i}"])
    sheet.write_blank(90_000, 5, None, formats[0])  # cells that are only coloured, far away
    book.close()
    return {"header": 1, "rows": rows}


def main():
    windows, mac = openpyxl.utils.datetime.CALENDAR_WINDOWS_1900, openpyxl.utils.datetime.CALENDAR_MAC_1904
    read = {
        "openpyxl.xlsx": of_openpyxl(FOLDER / "openpyxl.xlsx", windows),
        "openpyxl-1904.xlsx": of_openpyxl(FOLDER / "openpyxl-1904.xlsx", mac),
        "xlsxwriter.xlsx": of_xlsxwriter(FOLDER / "xlsxwriter.xlsx", {}),
        "xlsxwriter-1904.xlsx": of_xlsxwriter(FOLDER / "xlsxwriter-1904.xlsx", {"date_1904": True}),
        "xlsxwriter-stream.xlsx": of_xlsxwriter(FOLDER / "xlsxwriter-stream.xlsx", {"constant_memory": True}),
    }
    (FOLDER / "workbooks.json").write_text(json.dumps(read, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
