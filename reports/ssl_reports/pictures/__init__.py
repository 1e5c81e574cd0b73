"""Figures for print and screen."""
