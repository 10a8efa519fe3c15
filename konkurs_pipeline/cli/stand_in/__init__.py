"""Commands that stand in for another system while developing: Brreg's service, core banking."""
