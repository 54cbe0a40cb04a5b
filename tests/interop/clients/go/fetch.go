// SPDX-License-Identifier: Apache-2.0

// fetch LIBRARY URL...: writes the bodies to standard output, one behind the other. The proxy is the
// one of the environment.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"

	"golang.org/x/net/proxy"
)

func fetch(client *http.Client, url string) error {
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	_, err = io.Copy(os.Stdout, answer.Body)
	return err
}

func main() {
	client := http.DefaultClient // HTTP_PROXY and HTTPS_PROXY
	if os.Args[1] == "x/net" {
		// ALL_PROXY
		client = &http.Client{Transport: &http.Transport{Dial: proxy.FromEnvironment().Dial}}
	}
	for _, url := range os.Args[2:] {
		if err := fetch(client, url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
