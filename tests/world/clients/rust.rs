// SPDX-License-Identifier: MIT
//! rust ADDR:PORT: TcpStream connects, asks, and shows what comes back.
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

fn ask(destination: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(destination)?;
    stream.write_all(b"ping\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}

fn main() {
    let destination = std::env::args().nth(1).expect("ADDR:PORT");
    match ask(&destination) {
        Ok(line) => print!("received {line}"),
        Err(e) => println!("error: {e}"),
    }
}
