"""FlowingSpeechSynthesizer for clients: text in fragments up, audio down, on one websocket, and the lists of voices beside it."""
