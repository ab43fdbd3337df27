"""Puts this directory on the path, so that tests can import ``builders``; fixtures shared by packages go here."""
