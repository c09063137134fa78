"""Part of the kit that the tests of reliability train."""
