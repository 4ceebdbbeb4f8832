//! Where a [`Logging`](crate::Logging) writes: a sink of ours without detours, or a user's writer.

use crate::sink::{Sink, SinkWriter};
use std::io;
use tracing_core::Metadata;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

pub(crate) enum Output {
    Sink(Sink),
    Custom(BoxMakeWriter),
}

pub(crate) enum OutputWriter<'a> {
    Sink(SinkWriter<'a>),
    Custom(Box<dyn io::Write + 'a>),
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = OutputWriter<'a>;

    fn make_writer(&'a self) -> OutputWriter<'a> {
        match self {
            Output::Sink(sink) => OutputWriter::Sink(sink.make_writer()),
            Output::Custom(writer) => OutputWriter::Custom(writer.make_writer()),
        }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> OutputWriter<'a> {
        match self {
            Output::Sink(sink) => OutputWriter::Sink(sink.make_writer()),
            Output::Custom(writer) => OutputWriter::Custom(writer.make_writer_for(metadata)),
        }
    }
}

impl io::Write for OutputWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            OutputWriter::Sink(writer) => writer.write(bytes),
            OutputWriter::Custom(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            OutputWriter::Sink(writer) => writer.flush(),
            OutputWriter::Custom(writer) => writer.flush(),
        }
    }
}
