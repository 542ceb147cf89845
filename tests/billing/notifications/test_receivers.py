"""Where webhooks may be sent: addresses in every spelling."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from billing.errors import InvalidInput
from billing.notifications.receivers import (
    FOR_DEVELOPMENT,
    is_reachable,
    read_mail_server,
    read_receiver,
)

PRIVATE = [
    "https://localhost/",
    "https://LOCALHOST./",
    "https://api.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://intranet/",
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1.2.3:8443/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://192.0.0.1/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fec0::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://１２７.０.０.１/",
    "https://①②⑦.0.0.1/",
    "https://127。0。0。1/",
]

MALFORMED = [
    "",
    "https://",
    "https:///hook",
    "https:hooks.example.com",
    "//hooks.example.com/",
    "hooks.example.com",
    "http://hooks.example.com/",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "gopher://hooks.example.com:25/_HELO",
    "javascript:alert(1)",
    "dict://hooks.example.com:11211/stat",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.1/",
    "https://127.0.1/",
    "https://1.2.3.4.5/",
    "https://example.com.1/",
    "https://256.0.0.1/",
    "https://user@hooks.example.com/",
    "https://user:word@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://127.0.0.1#@hooks.example.com/",
    "https://127.0.0.1\\@hooks.example.com/",
    "https://hooks.example.com\\.evil.example/",
    "https://hooks.example.com/#part",
    "https://hooks.example.com:22/",
    "https://hooks.example.com:25/",
    "https://hooks.example.com:80/",
    "https://hooks.example.com:0/",
    "https://hooks.example.com:65536/",
    "https://hooks.example.com:-1/",
    "https://hooks.example.com:x/",
    "https://hooks example.com/",
    "https://hooks.example.com/a b",
    "https://hooks.example.com/\r\nX-Injected: 1",
    "https://hooks.example.com/\x00",
    "https://-hooks.example.com/",
    "https://hooks..example.com/",
    "https://hooks.exa$mple.com/",
    "https://hooks.example.com%00.evil.example/",
    "https://[::1/",
    "https://[not-an-address]/",
    "https://[v1.a]/",
    "https://" + "a" * 64 + ".example.com/",
    "https://hooks.example.com/" + "a" * 500,
]

GOOD = [
    ("https://hooks.example.com", "hooks.example.com", 443),
    ("HTTPS://Hooks.Example.COM/in?key=1", "hooks.example.com", 443),
    ("https://hooks.example.com.:8443/", "hooks.example.com", 8443),
    ("https://bücher.example/", "xn--bcher-kva.example", 443),
    ("https://8.8.8.8/", "8.8.8.8", 443),
    ("https://[2606:4700::1111]/", "2606:4700::1111", 443),
    ("https://my_hooks.example.com/", "my_hooks.example.com", 443),
]


@pytest.mark.parametrize("url", PRIVATE)
def test_addresses_that_are_not_of_the_public_internet_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_receiver(url, may_be_private=False)

    assert (refused.value.code, refused.value.field) in {
        ("private_receiver", "url"),
        ("invalid_url", "url"),
    }


@pytest.mark.parametrize("url", PRIVATE)
def test_mail_servers_that_are_not_of_the_public_internet_are_refused(url: str) -> None:
    host, _, port = url.removeprefix("https://").partition("/")[0].rpartition(":")
    is_whole = not port.isdecimal()
    name = f"{host}:{port}".strip(":") if is_whole else host

    with pytest.raises(InvalidInput) as refused:
        read_mail_server(name, 587, may_be_private=False)

    assert (refused.value.code, refused.value.field) in {
        ("private_receiver", "smtp_host"),
        ("invalid_smtp_host", "smtp_host"),
    }


@pytest.mark.parametrize("url", MALFORMED)
def test_what_could_be_read_in_two_ways_is_no_address(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_receiver(url, may_be_private=False)

    assert (refused.value.code, refused.value.field) == ("invalid_url", "url")


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        ("ftp://hooks.example.com/", "The address must begin with https://."),
        (
            "http://hooks.example.com/",
            f"The address must begin with https://. {FOR_DEVELOPMENT}",
        ),
        ("https://hooks.example.com:1023/", "The port must be 443, or 1024 or above."),
        ("https://256.0.0.1/", "This is not an address."),
        (
            "https://hooks.example.com/#part",
            "The address must have neither a user nor a fragment.",
        ),
        (
            "https://hooks.example.com/" + "a" * 475,
            "The address has characters that no address has, or too many.",
        ),
        (
            "https://hooks.example.com/in\\out",
            "The address has characters that no address has, or too many.",
        ),
        ("https://intranet/", "The address is not one of the public internet."),
    ],
)
def test_a_refusal_says_what_is_wrong_with_the_address(url: str, detail: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_receiver(url, may_be_private=False)

    assert refused.value.detail == detail


@pytest.mark.parametrize("path", ["", "a" * 474])
def test_an_address_may_be_as_long_as_it_says_and_on_any_free_port(path: str) -> None:
    receiver = read_receiver(f"https://hooks.example.com/{path}", may_be_private=False)

    assert receiver.port == 443
    assert read_receiver("https://hooks.example.com:1024/", may_be_private=False).port == 1024


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("Mail.Harbor.TEST.", "mail.harbor.test"),
        ("8.8.8.8", "8.8.8.8"),
        ("2606:4700::1111", "2606:4700::1111"),
        ("[2606:4700::1111]", "2606:4700::1111"),
    ],
)
@pytest.mark.parametrize("port", [25, 465, 587, 1024, 2525])
def test_a_mail_server_is_a_name_or_an_address_on_a_port_that_takes_mail(
    host: str, name: str, port: int
) -> None:
    server = read_mail_server(host, port, may_be_private=False)

    assert (server.scheme, server.host, server.port) == ("smtp", name, port)


@pytest.mark.parametrize(
    ("host", "port", "code", "field", "detail"),
    [
        (
            "mail..test",
            587,
            "invalid_smtp_host",
            "smtp_host",
            "smtp_host must be the name of a host, or an IP address.",
        ),
        (
            "mail.harbor.test",
            443,
            "invalid_smtp_port",
            "smtp_port",
            "smtp_port must be 25, 465 or 587, or 1024 or above.",
        ),
    ],
)
def test_a_mail_server_is_refused_by_the_field_that_is_wrong(
    host: str, port: int, code: str, field: str, detail: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_mail_server(host, port, may_be_private=False)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.detail == detail


def test_a_mail_server_of_development_may_be_this_machine_on_any_port() -> None:
    assert read_mail_server("127.0.0.1", 22, may_be_private=True).port == 22


@pytest.mark.parametrize(("url", "host", "port"), GOOD)
def test_public_addresses_are_read(url: str, host: str, port: int) -> None:
    receiver = read_receiver(url, may_be_private=False)

    assert (receiver.scheme, receiver.host, receiver.port) == ("https", host, port)


def test_development_may_reach_this_machine() -> None:
    receiver = read_receiver("http://127.0.0.1:80/hook", may_be_private=True)

    assert (receiver.scheme, receiver.host, receiver.port) == ("http", "127.0.0.1", 80)
    with pytest.raises(InvalidInput):
        read_receiver("http://2130706433/", may_be_private=True)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
)
def test_addresses_of_the_public_internet_are_reachable(address: str) -> None:
    assert is_reachable(ip_address(address))
