"""Herald's own speech service on the HTTP port: `routes` lists the addresses, `speech` answers them."""
