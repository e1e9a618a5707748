//! Models behind the checker's ports; `ort` is used in `onnx` alone.
