"""A calendar needs libraries that the rest does not: without them the config says so, and nothing else minds."""

import subprocess
import sys

import pytest

CONFIG = """
version: 1
public_url: https://pager.example.net
twilio: { account_sid: AC0123456789abcdef0123456789abcdef, auth_token: { file: token }, from: +15005550006 }
people: { ana: { phone: +491713920012 } }
policies: { default: { steps: [{ call: ana }] } }
"""
ICAL = "schedules: { platform: { ical: { url: { file: link } } } }\n"
WITHOUT = """
import sys
sys.modules[sys.argv.pop(1)] = None
from escalator.cli import main
import escalator.app
main()
"""


def check(folder, text, missing):
    """What `check-config` says of a file where a library is missing."""
    file = folder / "escalator.yml"
    file.write_text(text)
    words = [sys.executable, "-c", WITHOUT, missing, "check-config", "--without-secrets", str(file)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("missing", ["icalendar", "recurring_ical_events"])
def test_a_calendar_without_its_libraries_is_an_error_that_says_what_to_install(tmp_path, missing):
    code, said = check(tmp_path, CONFIG + ICAL, missing)

    assert code == 78
    assert "schedules.platform.ical: needs libraries: pip install 'escalator-oncall[ical]'" in said


def test_a_config_without_calendars_needs_no_such_library(tmp_path):
    code, said = check(tmp_path, CONFIG, "icalendar")

    assert code == 0, said


def test_a_calendar_with_its_libraries_is_none(tmp_path):
    code, said = check(tmp_path, CONFIG + ICAL, "no_such_library")

    assert code == 0, said
