"""Expansion: more branches for a query, beside those that it has.

Every expansion is a flow from what is asked (`Asked`) to branches; `methods` has them by name, and
`expand` runs those that a plan wants.
"""
