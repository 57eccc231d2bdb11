"""What crosses the wire: headers, cookies, requests, bodies, uploads, responses. No server, no I/O."""
