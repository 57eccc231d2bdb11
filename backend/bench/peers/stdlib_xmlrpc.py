"""XML-RPC by Python's standard library: as its documentation shows it, or with threads and keep-alive (`kept`)."""

import os
import sys
from socketserver import ThreadingMixIn
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer


class Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/",)


class KeptHandler(Handler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for each answer
    disable_nagle_algorithm = True


class Threads(ThreadingMixIn, SimpleXMLRPCServer):
    daemon_threads = True


if __name__ == "__main__":
    address = ("127.0.0.1", int(os.environ["PORT"]))
    if "kept" in sys.argv:
        server = Threads(address, requestHandler=KeptHandler, logRequests=False)
    else:
        server = SimpleXMLRPCServer(address, requestHandler=Handler, logRequests=False)
    server.register_function(lambda a, b: a + b, "add")
    server.serve_forever()
