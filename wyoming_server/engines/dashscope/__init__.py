"""The engine `dashscope`: CosyVoice in Alibaba's Model Studio, with one API key."""
