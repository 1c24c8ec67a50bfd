"""An echo server on Python's websockets. Prints `ready PORT`; SIGTERM closes every session with 1001."""

import asyncio
import signal

import websockets


async def echo(session, *_):
    async for message in session:
        await session.send(message)


async def main():
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    async with websockets.serve(
        echo, "127.0.0.1", 0, compression="deflate", max_size=2**26, ping_interval=0.2
    ) as server:
        print("ready", server.sockets[0].getsockname()[1], flush=True)
        await end.wait()


asyncio.run(main())
