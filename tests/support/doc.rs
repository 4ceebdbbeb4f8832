// Included by doctests: runs an example, and compares what it logs with what the docs show.

#[derive(Clone, Default)]
pub struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[allow(dead_code)]
pub fn prints(expected: &str, code: impl FnOnce()) {
    prints_with(|layer| layer, expected, code);
}

#[allow(dead_code)]
pub fn prints_with(
    with: impl FnOnce(tracing_jsonl::JsonLayer<Lines>) -> tracing_jsonl::JsonLayer<Lines>,
    expected: &str,
    code: impl FnOnce(),
) {
    use tracing_subscriber::prelude::*;
    let lines = Lines::default();
    let layer = tracing_jsonl::JsonLayer::new(lines.clone()).with_clock(|| {
        std::time::UNIX_EPOCH + std::time::Duration::new(1_795_444_006, 123_456_789)
    });
    tracing::subscriber::with_default(tracing_subscriber::registry().with(with(layer)), code);
    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert_eq!(written.trim_end(), expected);
}
