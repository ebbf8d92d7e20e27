"""The tools of the Model Context Protocol, over this server's own HTTP interface.

Every call is a request to the routes of `api.app`, of this process or of another one, so that keys,
tenants, bounds and errors are the same for everybody.
"""
