#!/usr/bin/env python3
"""An HTTP proxy on loopback that takes CONNECT and nothing else; prints 'ready PORT', then each request.

    proxy.py [--login USER:PASSWORD] [--status NNN] [--hang] [--cut]
"""

import argparse
import base64
import json
import socket
import sys
import threading


telling = threading.Lock()


def tell(**what):
    with telling:
        print(json.dumps(what), flush=True)


def relay(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()
        target.close()


def head_of(client):
    head = b""
    while b"\r\n\r\n" not in head:
        data = client.recv(65536)
        if not data:
            return None
        head += data
    return head


def serve(client, options):
    head = head_of(client)
    if head is None:
        client.close()
        return
    lines = head.split(b"\r\n\r\n")[0].decode().split("\r\n")
    method, target, _ = lines[0].split(" ")
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
    tell(method=method, target=target, headers=headers)
    if options.hang:
        client.recv(1)  # until the client goes
        client.close()
        return
    if options.cut:
        client.close()
        return
    if options.login is not None:
        wanted = "Basic " + base64.b64encode(options.login.encode()).decode()
        if headers.get("proxy-authorization") != wanted:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                           b'Proxy-Authenticate: Basic realm="test"\r\nContent-Length: 0\r\n\r\n')
            client.close()
            return
    if options.status != 200 or method != "CONNECT":
        client.sendall(f"HTTP/1.1 {options.status} No\r\nContent-Length: 0\r\n\r\n".encode())
        client.close()
        return
    host, port = target.rsplit(":", 1)
    try:
        server = socket.create_connection((host.strip("[]"), int(port)))
    except OSError:
        client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        client.close()
        return
    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    threading.Thread(target=relay, args=(server, client), daemon=True).start()
    relay(client, server)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--login")
    parser.add_argument("--status", type=int, default=200)
    parser.add_argument("--hang", action="store_true")
    parser.add_argument("--cut", action="store_true")
    options = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0))
    print("ready", listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, options), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
