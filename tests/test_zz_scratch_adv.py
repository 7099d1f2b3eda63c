from __future__ import annotations
import asyncio
from contextlib import aclosing
import pytest
from .converting import *
from .test_converted_replies import sami, SPEAKER
from .simulators.sami import simulator
import gc

async def run(up, how, first, gap, errors):
    async def listen():
        async with aclosing(up.speak("One. Two. Three. "*3, converter=how, rate=48000)) as ev:
            async for _ in ev: pass
    before=asyncio.all_tasks()
    t=asyncio.create_task(listen())
    for _ in range(first):
        await asyncio.sleep(0)
    t.cancel()
    for _ in range(gap): await asyncio.sleep(0)
    t.cancel()
    async with asyncio.timeout(5): await asyncio.wait([t])
    if not t.cancelled() and t.exception(): errors.append((first,gap,repr(t.exception())))
    left=asyncio.all_tasks()-before
    left={x for x in left if "leave" not in repr(x) and "keepalive" not in repr(x)}
    if left and "sami" not in how: errors.append((first,gap,left))
async def test_fuzz():
    errors=[]
    asyncio.get_running_loop().set_exception_handler(lambda l,c: errors.append(c))
    async with simulator() as service:
      async with sami(service.url) as conv, upstreams(conv, tone={"delay":0}) as up:
        for how in ("gain/same", SPEAKER):
            for first in list(range(0,60))+list(range(60,400,9)):
                for gap in (0,1,2,3,5):
                    await run(up,how,first,gap,errors)
        await asyncio.sleep(.3)
        print(up.running)
    gc.collect()
    print(len(errors), errors[:5])
    assert not errors
