"""The engine `flowing`: FlowingSpeechSynthesizer, as Aliyun's cloud speaks it and as local servers over CosyVoice do."""
