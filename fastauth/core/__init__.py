"""The ground floor: what the library talks about and the rules of one value; no web framework, no database."""
