"""What people send who want a program to run their words: each is data here and nothing else."""

from __future__ import annotations

from typing import Final

SQL: Final = (
    "' OR '1'='1",
    "' OR 1=1 --",
    '" OR ""="',
    "') OR ('1'='1",
    "1 OR 1=1",
    "'; DROP TABLE customer; --",
    "'; SELECT pg_sleep(5); --",
    "1; SELECT pg_sleep(5)",
    "' UNION SELECT NULL, key_hash FROM api_key --",
    "' AND (SELECT 1/(SELECT 0)) = 1 --",
    "'||(SELECT current_user)||'",
    "$$; SELECT 1; $$",
    "E'\\' OR 1=1 --",
    "%' OR '%'='",
    "1)) UNION SELECT set_config('app.organizations', '{}', false) --",
    "'; RESET ROLE; SELECT * FROM organization; --",
    "%(organization_id)s",
    ":organization_id",
    "{0.__class__}",
    "$1",
    "id; COPY organization TO PROGRAM 'id'",
    "created_at DESC, (SELECT 1)",
    "\u02bc OR 1=1 --",
    "\uff07 OR \uff071\uff07=\uff071",
    "/*!50000 OR 1=1*/",
)
"""Statements in the places of values: single and double quotes, numbers, sorting, templates."""

PATHS: Final = (
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "....//....//etc/passwd",
    "..\\..\\windows\\win.ini",
    "%252e%252e%252fetc%252fpasswd",
    "/etc/passwd",
    "file:///etc/passwd",
    "..%c0%af..%c0%afetc/passwd",
    "%00",
    ".env",
    "~root",
)
"""Ways up to files of the machine, in the places of ids."""

JSON_PATHS: Final = (
    "$.*",
    "$..*",
    "a.b.c.d.e.f",
    "'; SELECT 1; --",
    "a'->>'b",
    "a}' , '{b",
    '{"$gt": ""}',
    "__proto__",
    "constructor.prototype",
    "a\\'b",
    "%s%s%s",
    "a[0]",
)
"""Where an event's property is named: names, and never a language."""

WILDCARDS: Final = ("%", "__", "%%", "a%", "\\", "\\%", "*", "?", "[a-z]", ".*", "^", "(")
"""What search languages match everything by."""

LINES: Final = (
    "Harbor\r\nX-Injected: 1",
    "Harbor\nBcc: all@harbor.test",
    "Harbor\r\n\r\n<html>",
    "Harbor\u2028level=error",
    "Harbor\u0085x",
    'Harbor\n{"level":"info","event":"payment_received"}',
    "Harbor\x1b[2J",
    "Harbor\x07",
)
"""Line ends and terminal commands, for headers, logs and tables."""

FORMULAS: Final = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "=cmd|'/c calc'!A0",
    '=HYPERLINK("https://evil.test","x")',
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\u00a0=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff20SUM(A1)",
    "=IMPORTXML(CONCAT(A1),1)",
)
"""What a spreadsheet computes when a file is opened."""

MARKUP: Final = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "{{ 7 * 7 }}",
    "{% raw %}x",
    "${7*7}",
    "#{7*7}",
    '#eval("1+1")',
    '#read("/etc/passwd")',
    '#include "x.typ"',
    "$ sum_1 $",
    "*bold* _it_ `raw` @ref <label>",
    "\\u{41} \\\\ \\#",
    "/* comment */ // line",
    "&lt;x&gt; &xxe;",
    "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
    "]]><x/>",
    "<?xml version='1.0'?>",
    "<!-- -- >",
    "<?php echo 1 ?>",
)
"""Languages that documents, pages and mails are written in."""
