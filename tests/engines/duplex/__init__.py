"""Tests of what DashScope and Aliyun's cloud do alike."""
