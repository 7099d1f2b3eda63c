"""What the forms of a server share: pairing, and the credentials of engines. Which step follows which, says the flow."""
