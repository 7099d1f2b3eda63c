"""The engine `openai`: any server that speaks over OpenAI's `/v1/audio/speech`, or something near to it."""
