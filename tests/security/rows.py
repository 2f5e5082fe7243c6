"""The rows of the security requirements: what each asks, in a few words, and the standard it comes from."""

from typing import NamedTuple


class Row(NamedTuple):
    """One requirement."""

    asks: str
    source: str


ROWS: dict[str, Row] = {
    # Passwords
    "R-PW-1": Row("A least length: 15 in production, never below 8", "NIST 63B-4 3.1.1.2; ASVS 6.2.1"),
    "R-PW-2": Row("Length is counted in code points", "NIST 63B-4 3.1.1.2"),
    "R-PW-3": Row("64 characters and more, of any script", "NIST 63B-4 3.1.1.2; ASVS 6.2.9"),
    "R-PW-4": Row("The whole password counts: nothing is cut or changed", "NIST 63B-4 3.1.1.2; ASVS 6.2.8"),
    "R-PW-5": Row("No rules about kinds of characters", "NIST 63B-4 3.1.1.2; ASVS 6.2.5"),
    "R-PW-6": Row("NUL and control characters do not shorten a password", "OWASP Password Storage"),
    "R-PW-7": Row("An upper bound, against long passwords as a load", "NIST 63B-4 A.2"),
    "R-PW-8": Row("NFC before hashing, and nothing else", "NIST 63B-4 3.1.1.2; RFC 8265 4.2.2"),
    "R-PW-9": Row("Common and expected passwords are refused, with the reason", "NIST 63B-4 3.1.1.2; ASVS 6.2.4"),
    "R-PW-10": Row("No forced changes, hints or secret questions", "NIST 63B-4 3.1.1.2; ASVS 6.2.10, 6.4.2"),
    "R-PW-11": Row("A change needs the current password", "ASVS 6.2.3"),
    "R-PW-12": Row("Hashes are salted and costly, name their scheme, and are upgraded", "ASVS 11.4.2"),
    "R-PW-13": Row("What bcrypt is given is keyed and encoded", "OWASP Password Storage"),
    "R-PW-14": Row("An optional pepper that can be rotated", "NIST 63B-4 3.1.1.2; OWASP Password Storage"),
    "R-PW-15": Row("Reset secrets are random, expire, and work once", "ASVS 6.4.1; OWASP Forgot Password"),
    "R-PW-16": Row("No account or password that everyone knows", "ASVS 6.3.2, 13.2.3"),
    "R-PW-17": Row("No administrator chooses a user's password", "ASVS 6.4.6"),
    # Sign-in
    "R-LG-1": Row("Failed attempts at an account are limited", "NIST 63B-4 3.2.2; ASVS 6.3.1"),
    "R-LG-2": Row("Attempts of an address are limited, and the address cannot be made up", "ASVS 2.4.1, 15.3.4"),
    "R-LG-3": Row("A success of one's own buys no more guesses at others", "ASVS 6.3.1"),
    "R-LG-4": Row("Unknown user and wrong password answer alike, in content and in time", "ASVS 6.3.8"),
    "R-LG-5": Row("Every failure costs exactly one hash", "OWASP Authentication"),
    "R-LG-6": Row("Registration and reset need not tell who has an account", "ASVS 6.3.8"),
    "R-LG-7": Row("Events are logged, and no secret ever is", "ASVS 16.2.5, 16.3.1, 16.4.1"),
    "R-LG-8": Row("People are told when their credentials change", "ASVS 6.3.7"),
    # Sessions
    "R-SE-1": Row("Refresh tokens rotate, and a replayed one ends the session", "RFC 9700 2.2.2, 4.14.2; ASVS 10.4.5"),
    "R-SE-2": Row("A rotation is atomic", "ASVS 15.4.2, 2.3.3"),
    "R-SE-3": Row("A session ends when idle, and in any case after a time", "NIST 63B-4 5.2; ASVS 7.3.1, 7.3.2"),
    "R-SE-4": Row("Refresh tokens end with inactivity, a new password and sign-out", "RFC 9700 4.14.2"),
    "R-SE-5": Row("Sign-out ends the session on the server", "NIST 63B-4 5.1; ASVS 7.4.1"),
    "R-SE-6": Row("A disabled or deleted user has no session left", "ASVS 7.4.2"),
    "R-SE-7": Row("A new password ends the other sessions, in the same step", "ASVS 7.4.3"),
    "R-SE-8": Row("Users and administrators list and end sessions", "ASVS 7.4.5, 7.5.2"),
    "R-SE-9": Row("Each sign-in has a new secret of 128 random bits or more", "NIST 63B-4 5.1; ASVS 7.2.3, 7.2.4"),
    "R-SE-10": Row("The database holds no token that works", "ASVS 6.5.2"),
    "R-SE-11": Row("A change of address needs a fresh proof", "ASVS 7.5.1"),
    "R-SE-12": Row("What was used or revoked stays so after a restart", "RFC 9700 4.14.2"),
    "R-SE-13": Row("A failed transaction uses up no token", "ASVS 2.3.3"),
    # Tokens
    "R-JW-1": Row("One algorithm per key, never one from the token", "RFC 8725 3.1, 3.2; ASVS 9.1.2"),
    "R-JW-2": Row("Keys are long enough, and random", "RFC 7518 3.2; RFC 8725 3.5; ASVS 11.2.3"),
    "R-JW-3": Row("Keys come from the configuration only", "RFC 8725 3.10; ASVS 9.1.3"),
    "R-JW-4": Row("`kid` is an exact name and nothing else", "RFC 8725 3.10"),
    "R-JW-5": Row("Whatever is wrong with a token, the answer is 401", "RFC 8725 3.3; RFC 7519 7.2; ASVS 9.1.1"),
    "R-JW-6": Row("Tokens say what they are for", "RFC 8725 3.11; RFC 9068 2.1, 4"),
    "R-JW-7": Row("No token works for another purpose", "RFC 8725 3.12; ASVS 9.2.2"),
    "R-JW-8": Row("Issuer and audience are compared exactly", "RFC 8725 3.8, 3.9; ASVS 9.2.3, 9.2.4"),
    "R-JW-9": Row("Times are numbers, and are kept", "RFC 7519 2, 4.1.4; ASVS 9.2.1"),
    "R-JW-10": Row("The claims of an access token are all there", "RFC 9068 2.2"),
    "R-JW-11": Row("An unknown critical header is refused", "RFC 7515 4.1.11"),
    "R-JW-12": Row("Base64url in its one spelling", "RFC 7515 2"),
    "R-JW-13": Row("Repeated names are refused", "RFC 7515 4; RFC 7519 4"),
    "R-JW-14": Row("UTF-8 only", "RFC 8725 3.7; RFC 7515 5.2"),
    "R-JW-15": Row("RS256 is supported", "RFC 9068 2.1"),
    "R-JW-16": Row("The subject never changes and is never given again", "ASVS 10.3.3"),
    "R-JW-17": Row("No personal data in a token", "NIST 63B-4 5.1.1; RFC 9068 6"),
    "R-JW-18": Row("A role that was taken is gone at the next request", "ASVS 8.3.2"),
    "R-JW-19": Row("Own claims do not replace ours", "ASVS 15.3.3"),
    # HTTP
    "R-HT-1": Row("Answers with tokens are not stored", "RFC 6749 5.1"),
    "R-HT-2": Row("Nor is any other answer", "ASVS 14.3.2"),
    "R-HT-3": Row("Every 401 has a challenge", "RFC 9110 15.5.2; RFC 6750 3"),
    "R-HT-4": Row("400, 401 and 403 mean what the RFC says", "RFC 6750 3.1"),
    "R-HT-5": Row("Errors of the token route are JSON with stable codes", "RFC 6749 5.2"),
    "R-HT-6": Row("Parameters are not repeated; empty is omitted; unknown is ignored", "RFC 6749 3.2"),
    "R-HT-7": Row("One way of sending the token per request", "RFC 6750 2"),
    "R-HT-8": Row("No token in a query, but a one-time ticket for a WebSocket", "RFC 9700 4.3.2; ASVS 14.2.1"),
    "R-HT-9": Row("The scheme is read in any case", "RFC 9110 11.1"),
    "R-HT-10": Row("A revocation endpoint, if offered", "RFC 7009"),
    "R-HT-11": Row("An introspection endpoint, if offered", "RFC 7662"),
    "R-HT-12": Row("Metadata, if offered", "RFC 8414"),
    "R-HT-13": Row("Nothing changes on a safe method; 405 has `Allow`", "ASVS 3.5.3, 4.1.4; RFC 9110 15.5.6"),
    "R-HT-14": Row("Exact content types, and `nosniff`", "ASVS 4.1.1, 3.4.4"),
    "R-HT-15": Row("Errors tell nothing, and an outage is closed", "ASVS 16.5.1 to 16.5.3"),
    "R-HT-16": Row("Links in mails come from the configuration", "OWASP Forgot Password; ASVS 4.1.3"),
    "R-HT-17": Row("No redirect to where a visitor says", "ASVS 3.7.2; RFC 9700 4.11"),
    # Cookies
    "R-CK-1": Row("`Secure` and `__Host-`", "ASVS 3.3.1, 3.3.3; RFC 6265bis 4.1.3.2"),
    "R-CK-2": Row("`HttpOnly`, and the value only in `Set-Cookie`", "ASVS 3.3.4"),
    "R-CK-3": Row("`SameSite`", "ASVS 3.3.2"),
    "R-CK-4": Row("At most 4096 bytes", "ASVS 3.3.5"),
    "R-CK-5": Row("Cross-site requests change nothing", "ASVS 3.5.1, 3.5.2; OWASP CSRF"),
    "R-CK-6": Row("No other site signs a visitor in", "OWASP CSRF"),
    "R-CK-7": Row("Cookies are deleted as they were set, and the session ends", "ASVS 7.4.1, 14.3.1"),
    "R-CK-8": Row("The server keeps the time, not the cookie", "NIST 63B-4 5.1.1"),
    # Identities
    "R-ID-1": Row("Usernames by PRECIS", "RFC 8265 3.3"),
    "R-ID-2": Row("Compared and stored in one form, and unique in it", "RFC 8265 3.3; ASVS 2.2.1"),
    "R-ID-3": Row("Brought into that form before anything looks, and once is enough", "RFC 8264"),
    "R-ID-4": Row("No name that looks like the staff's", "UTS 39 4"),
    "R-ID-5": Row("Addresses in one form, and within the limits", "RFC 5321; RFC 6531; RFC 5890"),
    "R-ID-6": Row("Mails go to the stored address", "OWASP Forgot Password"),
    # Authorization
    "R-AZ-1": Row("Denied unless allowed, per function and per object", "ASVS 8.2.1, 8.2.2, 8.3.1"),
    "R-AZ-2": Row("Nothing can be set that is not named", "ASVS 15.3.3, 8.2.3"),
    "R-AZ-3": Row("Nobody grants above their rank, and the last superadmin stays", "ASVS 8.2.1, 15.4.2"),
    "R-AZ-4": Row("Standard roles are protected", "ASVS 8.2.1"),
    "R-AZ-5": Row("The check and the act are one step", "ASVS 15.4.2"),
    # Set-up and supply chain
    "R-LO-1": Row("Secrets from the environment, never printed, can be rotated", "ASVS 13.3.1, 13.3.4, 16.2.5"),
    "R-LO-2": Row("Nothing unsafe is convenient", "ASVS 13.4.2, 15.2.3"),
    "R-SC-1": Row("Floors of dependencies, and an audit that fails when it cannot look", "ASVS 15.1.2, 15.2.1"),
    "R-SC-2": Row("Limits are documented", "ASVS 13.1.2, 15.1.3"),
}
"""By id."""

STILL_MISSING: frozenset[str] = frozenset()
"""Rows that have neither a test nor a reason yet. The aim is that there are none."""
