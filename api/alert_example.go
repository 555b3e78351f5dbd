package api

// alertExample is an alert that is told to one target and waits for the other, for the OpenAPI document.
const alertExample = `{"id": "5f0c4c0e-7a52-5c5e-9a3d-2f1f6d0f3b11", "type": "orders.fraud.detected.v1", "orderID": "1234",
 "transactionID": "01990000-0000-7000-8000-000000000001", "time": "2026-01-02T03:04:05Z", "takenAt": "2026-01-02T03:04:05.2Z",
 "expiresAt": "2026-01-05T03:04:05Z", "state": "delivering", "chains": [
  {"receiver": "fraud-team", "route": "large", "steps": [
   {"receiver": "fraud-team", "at": "2026-01-02T03:04:05.3Z", "askedUntil": "2026-01-02T03:19:05Z", "deliveries": [
    {"target": "mail jo@example.com", "state": "delivered", "at": "2026-01-02T03:04:06Z", "attempts": [
     {"number": 1, "at": "2026-01-02T03:04:05.4Z", "answer": "250 2.0.0 Ok: queued as 4QzX"}]},
    {"target": "chat fraud-team/chat", "state": "pending", "nextTry": "2026-01-02T03:04:36Z", "attempts": [
     {"number": 1, "at": "2026-01-02T03:04:05.4Z", "answer": "put off by hooks.slack.com for 30s: 429 Too Many Requests"}]}]}]}]}`
