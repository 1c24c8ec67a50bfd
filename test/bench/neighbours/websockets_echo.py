"""Python's websockets as a bare echo client:  websockets_echo.py URL [--ca F] [--deflate]"""

import argparse
import asyncio
import ssl

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

options = argparse.ArgumentParser()
options.add_argument("url")
options.add_argument("--ca")
options.add_argument("--deflate", action="store_true")
given = options.parse_args()


async def main():
    tls = ssl.create_default_context(cafile=given.ca) if given.ca else None
    # Level and memory as libwebsockets has them.
    deflate = [ClientPerMessageDeflateFactory(compress_settings={"level": 1, "memLevel": 8})] if given.deflate else None
    async with websockets.connect(given.url, ssl=tls, compression=None, extensions=deflate, max_size=2**26) as session:
        try:
            async for message in session:
                await session.send(message)
        except websockets.ConnectionClosed:
            pass


asyncio.run(main())
