"""Networks as hubs keep them: a folder with an ONNX file, the configuration of its library, and a model card."""
