"""Accounts: who somebody is, shown by a password once and by tokens afterwards."""
