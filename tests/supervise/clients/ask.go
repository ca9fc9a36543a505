// SPDX-License-Identifier: MIT
// ask dial|syscall: asks the server at 127.0.0.1:40000, by Go's own dialer or by the system call that
// Go makes without a C library, and shows what comes back.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

func connect() (io.ReadWriter, error) {
	if os.Args[1] == "dial" {
		return net.Dial("tcp", "127.0.0.1:40000")
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	to := syscall.SockaddrInet4{Port: 40000, Addr: [4]byte{127, 0, 0, 1}}
	return os.NewFile(uintptr(fd), "socket"), syscall.Connect(fd, &to)
}

func main() {
	conn, err := connect()
	if err == nil {
		fmt.Fprintln(conn, "ping")
		var line string
		line, err = bufio.NewReader(conn).ReadString('\n')
		fmt.Print("received ", line)
	}
	if err != nil {
		fmt.Println("error:", err)
	}
}
