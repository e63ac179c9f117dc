module spendgate.example/token-vectors

go 1.19
