"""OpenSpeech, the speech service of Volcengine and BytePlus: `voices` knows the voices, `routes` how each is spoken."""
