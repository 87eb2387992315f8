"""What a payment costs, and whether it costs more when many are stored."""
