"""Photos: the pictures of users, with their titles, thumbnails and changes."""
