$true
