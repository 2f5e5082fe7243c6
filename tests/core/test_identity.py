"""One canonical form for names: what becomes of spellings, what is refused, and that the form is stable."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fastauth.core.exceptions import ValidationException
from fastauth.core.identity import (
    canonical_email,
    canonical_login,
    canonical_role_name,
    canonical_username,
)
from fastauth.core.models import Login

anything = st.text(st.characters(codec=None), max_size=80)
ascii_text = st.text(st.characters(max_codepoint=0x7F), max_size=80)
word_like = st.text(st.characters(categories=["L", "M", "N"]), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("alice", "alice"),
        ("Alice", "alice"),
        ("ALICE", "alice"),
        ("\uff21lice", "alice"),  # full width
        ("\uff21\uff2c\uff29\uff23\uff25", "alice"),
        ("a.b_c-d+1", "a.b_c-d+1"),
        ("7", "7"),
        ("José", "josé"),
        ("JOSE\u0301", "josé"),  # an accent of its own
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Straße", "straße"),
        ("אבג", "אבג"),
        ("测试", "测试"),
        ("x" * 64, "x" * 64),
        ("É" * 64, "é" * 64),
        ("E\u0301" * 64, "é" * 64),
    ],
)
def test_r_id_1_spellings_of_one_username_are_one_name(spelling: str, canonical: str) -> None:
    """Case, width and composition do not make another username (RFC 8265)."""
    assert canonical_username(spelling) == canonical


@pytest.mark.parametrize("username", ["o'neil", "a$b", "..", "<script>", "".join(map(chr, range(0x21, 0x40)))])
def test_every_sign_of_ascii_may_be_in_a_username(username: str) -> None:
    """PRECIS takes all printable ASCII for the parts of a name, but the space; of it, only the @ is not ours."""
    assert canonical_username(username) == username


@pytest.mark.parametrize(
    "username",
    [
        "",
        " ",
        "a b",
        " alice",
        "alice ",
        "a\tb",
        "a\nb",
        "a\0b",
        "\x7f",
        "é\0",
        "a\u00a0b",
        "a\u3000b",
        "\u200bé",
        "é\u200d",
        "é\u202egnirts",
        "\ufeffé",
        "\ud800",
        "é\udfff",
        "😀",
        "♥",
        "a\u2215b",
        "½",
        "ﬁ",
        "Ⅷ",
        "\u05d0a",  # two directions
        "\u0627\u0031a",
        "a@b",
        "alice@example.com",
        "é@example.com",
        "é\uff20example.com",
        "x" * 65,
        "é" * 65,
        "é" * 100_000,
        "x" * 100_000,
    ],
)
def test_r_id_1_what_no_username_may_have_is_refused(username: str) -> None:
    """Spaces, controls, symbols, mixed directions, an @, nothing and too much are no username."""
    with pytest.raises(ValidationException) as caught:
        canonical_username(username)

    [detail] = caught.value.details
    assert detail["loc"] == ["body", "username"]
    assert len(username) < 4 or username not in detail["msg"]


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("a@b.co", "a@b.co"),
        ("A@B.CO", "a@b.co"),
        ("Ada.Lovelace+x@Example.COM", "ada.lovelace+x@example.com"),
        ("a@localhost", "a@localhost"),
        ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
        ("a@bu\u0308cher.example", "a@xn--bcher-kva.example"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example"),
        ("a@\u0430\u0440\u0440\u04cf\u0435.com", "a@xn--80ak6aa92e.com"),
        ("a@xn--80ak6aa92e.com", "a@xn--80ak6aa92e.com"),
        ("a@bücher。example", "a@xn--bcher-kva.example"),  # an ideographic full stop
        ("JOSÉ@example.com", "josé@example.com"),
        ("jose\u0301@example.com", "josé@example.com"),
        ("\uff21\uff24\uff21@example.com", "ada@example.com"),
        ("x" * 64 + "@b.co", "x" * 64 + "@b.co"),
        ("é" * 32 + "@b.co", "é" * 32 + "@b.co"),
        ("a@" + ".".join(["b" * 63] * 3) + "." + "c" * 60, "a@" + ".".join(["b" * 63] * 3) + "." + "c" * 60),
    ],
)
def test_r_id_5_spellings_of_one_address_are_one_address(spelling: str, canonical: str) -> None:
    """Case, composition and the two forms of a domain do not make another address."""
    assert canonical_email(spelling) == canonical


@pytest.mark.parametrize(("unicode", "ascii_form"), [("faß.de", "xn--fa-hia.de"), ("ος.gr", "xn--0xag.gr")])
def test_r_id_5_the_two_forms_of_a_domain_are_one_domain(unicode: str, ascii_form: str) -> None:
    """A domain with a letter that IDNA 2008 keeps apart is no other domain in its Unicode form."""
    assert canonical_email(f"a@{unicode}") == canonical_email(f"a@{ascii_form}") == f"a@{ascii_form}"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a",
        "@",
        "a@",
        "@b.co",
        "a@b@c.co",
        "a b@c.co",
        " a@b.co",
        "a@b.co ",
        "a@b.co\n",
        "a\0@b.co",
        "a@b.co\0",
        "a\r\nBcc: x@y.z@b.co",
        '"a"@b.co',
        "a,b@c.co",
        "<a@b.co>",
        "a(x)@b.co",
        ".a@b.co",
        "a.@b.co",
        "a..b@c.co",
        "a@b..co",
        "a@.b.co",
        "a@b.co.",
        "a@-b.co",
        "a@b-.co",
        "a@b_c.co",
        "a@[127.0.0.1]",
        "a@" + "b" * 64 + ".co",
        "a@" + ".".join(["b" * 63] * 4),
        "x" * 65 + "@b.co",
        "é" * 33 + "@b.co",  # 66 octets
        "x" * 64 + "@" + ".".join(["b" * 63] * 3),
        "é@" + "ü" * 300 + ".de",
        "é@" + ".".join(["ü" * 40] * 6),
        "é" * 30 + "@" + ".".join(["ü" * 40] * 5),  # 235 characters, and 295 octets as it is sent
        "é@b_c.co",
        "é@b.co.",
        "a@é_.co",
        "é\u00a0x@b.co",
        "é\uff20x@b.co",
        "é",
        "é@",
        "a@xn--a.co",
        "a@xn--.co",
        "a@xn--99999999.co",
        "a@xn--a-ecp.co",
        "a@\u202eé.co",
        "a@\u05d0a.co",
        "\ud800@b.co",
        "a@\udfff.co",
        "a@😀\ud83d.co",
        "x" * 1_000_000 + "@b.co",
    ],
)
def test_r_id_5_what_is_no_address_is_refused(email: str) -> None:
    """What is no address of plain words and a domain, or too long for RFC 5321, is refused."""
    with pytest.raises(ValidationException) as caught:
        canonical_email(email)

    assert caught.value.details == (
        {"loc": ["body", "email"], "msg": "This is not a valid e-mail address.", "type": "value_error"},
    )


@settings(max_examples=400, deadline=None)
@given(anything | ascii_text | word_like)
@example("İ")
@example("ẞ")
@example("ᾳ\u0345")
def test_r_id_3_the_form_of_a_username_is_stable(username: str) -> None:
    """Making the form again changes nothing, and nothing but a ``ValidationException`` is ever raised."""
    try:
        canonical = canonical_username(username)
    except ValidationException:
        return

    assert canonical_username(canonical) == canonical == unicodedata.normalize("NFC", canonical)
    assert canonical_username(canonical.title()) == canonical or not canonical.isascii()
    assert 0 < len(canonical) <= 64
    assert "@" not in canonical


@settings(max_examples=400, deadline=None)
@given(
    anything
    | st.builds("{}@{}.{}".format, word_like, word_like, word_like)
    | st.builds("{}@{}".format, anything, anything)
    | st.builds("{}@xn--{}.co".format, word_like, ascii_text)
    | st.builds("{}@{}".format, ascii_text, ascii_text)
)
def test_r_id_3_the_form_of_an_address_is_stable(email: str) -> None:
    """Making the form again changes nothing, and nothing but a ``ValidationException`` is ever raised."""
    try:
        canonical = canonical_email(email)
    except ValidationException:
        return

    local, at, domain = canonical.rpartition("@")
    assert canonical_email(canonical) == canonical
    assert at
    assert local
    assert domain.isascii()
    assert domain == domain.lower()
    assert len(canonical.encode()) <= 254


@pytest.mark.parametrize(
    ("login", "named"),
    [
        ("Ada", Login("username", "ada")),
        ("Ada@Example.com", Login("email", "ada@example.com")),
        ("\uff21\uff24\uff21", Login("username", "ada")),
        ("", None),
        ("a b", None),
        ("a@", None),
        ("@", None),
        ("\ud800", None),
        ("\ud800@b.co", None),
        ("x" * 5000, None),
    ],
)
def test_a_login_names_a_user_or_an_address_or_nobody(login: str, named: Login | None) -> None:
    """With an @ a login is an address, without one it is a username, and what can be neither is nobody."""
    assert canonical_login(login) == named


@pytest.mark.parametrize(
    ("name", "canonical"),
    [("admin", "admin"), ("Admin", "admin"), ("7", "7"), ("billing:read.all_x-1", "billing:read.all_x-1")],
)
def test_a_role_name_is_kept_in_lower_case(name: str, canonical: str) -> None:
    """Case does not make another role."""
    assert canonical_role_name(name) == canonical
    assert canonical_role_name("r" * 64) == "r" * 64


@pytest.mark.parametrize(
    "name",
    ["", " ", "-a", "_a", ".a", ":a", "a b", "a,b", "a\n", "a\0", "é", "\u017fuper", "admi\u0307n", "r" * 65, "a@b"],
)
def test_what_is_no_role_name_is_refused(name: str) -> None:
    """A role name begins with a letter or digit, has none but plain characters, and at most 64 of them."""
    with pytest.raises(ValidationException, match="A role name has 1 to 64"):
        canonical_role_name(name)
