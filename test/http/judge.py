"""Clients of Python against a server of gnet/http and one of gnet/websocket.

   judge.py httpx|aiohttp|websockets URL

Ends with status 0 when everything is as it must be.
"""

import asyncio
import sys

BODY = b"a body that repeats itself\n" * 20_000


async def with_httpx(url):
    import httpx

    async def pieces():
        for start in range(0, len(BODY), 50_000):
            yield BODY[start : start + 50_000]

    async with httpx.AsyncClient() as client:
        for _ in range(3):
            assert (await client.get(url + "/text")).text == "hello"
        assert (await client.head(url + "/text")).headers["content-length"] == "5"
        assert (await client.post(url + "/echo", content=BODY)).content == BODY
        assert (await client.post(url + "/echo", content=pieces())).content == BODY
        async with client.stream("GET", url + "/stream") as answer:
            assert answer.headers["transfer-encoding"] == "chunked"
            assert b"".join([piece async for piece in answer.aiter_bytes()]) == b"0123456789"
        assert (await client.get(url + "/nothing")).status_code == 404


async def with_aiohttp(url):
    import aiohttp

    async def pieces():
        for start in range(0, len(BODY), 50_000):
            yield BODY[start : start + 50_000]

    async with aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.get(url + "/text") as answer:
                assert await answer.text() == "hello"
        for data, more in ((BODY, {}), (pieces(), {}), (BODY, {"expect100": True})):
            async with session.post(url + "/echo", data=data, **more) as answer:
                assert await answer.read() == BODY
        async with session.get(url + "/stream") as answer:
            assert await answer.read() == b"0123456789"
        async with session.get(url + "/nothing") as answer:
            assert answer.status == 404


async def with_websockets(url):
    import websockets

    for compression in (None, "deflate"):
        async with websockets.connect(url, compression=compression, max_size=None) as ws:
            for message in ("hello", "", "\u00e9\U0001f600" * 500, b"", BODY):
                await ws.send(message)
                assert await ws.recv() == message
            # In fragments, with a ping between them.
            await ws.send(["he", "l", "", "lo"])
            assert await ws.recv() == "hello"
            await asyncio.wait_for(await ws.ping(), 10)
            await ws.close(4321, "enough")
            assert ws.close_code == 4321, ws.close_code
    try:
        async with websockets.connect(url) as ws:
            await ws.send("x" * 2_000_000)
            await ws.recv()
        raise AssertionError("it took a message that is too long")
    except websockets.ConnectionClosed as closed:
        assert closed.rcvd.code == 1009, closed


which, url = sys.argv[1:]
asyncio.run({"httpx": with_httpx, "aiohttp": with_aiohttp, "websockets": with_websockets}[which](url))
