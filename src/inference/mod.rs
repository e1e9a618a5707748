//! Models behind the checker's ports; `ort` is used in `onnx` alone.

pub mod comparator;
pub mod embedder;
pub mod manifest;
pub mod onnx;
pub mod tensor;
pub mod xfeat;
