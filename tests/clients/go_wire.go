// Speaks to POST /sdk/track as the official Go client does (contract 4.17): what it sends, which types it decodes into, and which
// part of a problem it reads. Arguments: base URL, API key, meter token.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

// event is what an answer is decoded into: a number in the place of a string is an error.
type event struct {
	ID         string                 `json:"id"`
	CustomerID string                 `json:"customer_id"`
	MeterID    string                 `json:"meter_id"`
	Quantity   string                 `json:"quantity"`
	Timestamp  string                 `json:"timestamp"`
	CreatedAt  string                 `json:"created_at"`
	MetaData   map[string]interface{} `json:"meta_data,omitempty"`
}

func track(baseURL, key string, body map[string]interface{}) (event, error) {
	sent, err := json.Marshal(body)
	if err != nil {
		return event{}, err
	}
	request, err := http.NewRequest("POST", baseURL+"/api/v1/sdk/track", bytes.NewReader(sent))
	if err != nil {
		return event{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-API-Key", key)
	response, err := (&http.Client{Timeout: 30 * time.Second}).Do(request)
	if err != nil {
		return event{}, err
	}
	defer response.Body.Close()
	answered, err := io.ReadAll(response.Body)
	if err != nil {
		return event{}, err
	}
	if response.StatusCode >= 400 {
		var problem struct {
			Detail  string `json:"detail"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal(answered, &problem); err != nil {
			return event{}, fmt.Errorf("a problem that cannot be decoded: %w", err)
		}
		return event{}, fmt.Errorf("%d: %s", response.StatusCode, problem.Detail)
	}
	var found event
	return found, json.Unmarshal(answered, &found)
}

func main() {
	baseURL, key, token := os.Args[1], os.Args[2], os.Args[3]
	body := map[string]interface{}{
		"meter_token":          token,
		"customer_external_id": "acct_77",
		"quantity":             2.5, // a float64, as the client's is
	}
	if _, err := track(baseURL, key, body); err != nil {
		log.Fatal(err)
	}

	body["timestamp"] = time.Now().Format(time.RFC3339) // whole seconds, the local offset
	body["idempotency_key"] = "job-5512"
	body["metadata"] = map[string]interface{}{"queue": "gpu"}
	first, err := track(baseURL, key, body)
	if err != nil {
		log.Fatal(err)
	}
	again, err := track(baseURL, key, body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first.Quantity, first.MetaData["queue"], first.ID == again.ID, first.ID != "")

	body["meter_token"] = "3e0b5a1c-6d0e-4f77-8d55-4a1b1f4f2c01"
	body["idempotency_key"] = "job-5513"
	_, err = track(baseURL, key, body)
	fmt.Println("refused:", err)
}
