"""Finds the database URL and the secret key of a project by reading its source as syntax; nothing of it is run."""

from fastauth.cli.finding.report import Found as Found
from fastauth.cli.finding.report import Report as Report
from fastauth.cli.finding.search import find as find
