"""Another voice where one fails: `chain` is the way in.

`attempt` is one voice's try, `race` two at once, `tape` the text that each may have to read, `terms` what of a call another voice
is asked. `breakers` and `guard` keep requests from engines that fail.
"""
